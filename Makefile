# The usual commands by short names. What must hold before a change is merged
# is in .ci/run.

.PHONY: build test race faults lint bench ci release

build: ## the program, static, in bin/
	CGO_ENABLED=0 go build -trimpath -o bin/carteiro ./cmd/carteiro

test: ## every test; without PostgreSQL or Redis on the machine, theirs are skipped
	go test ./...

race: ## the same under the race detector
	go test -race ./...

faults: ## the whole fault laboratory, some ten minutes; SEED=n makes the choices of an earlier run again
	CARTEIRO_TEST_SERVERS=required CARTEIRO_TEST_FAULTS=all CARTEIRO_TEST_SEED=$(SEED) \
		go test -C internal/faultlab -count=1 -timeout 60m -run '^TestFaults$$'

lint: ## vet, format, staticcheck, import rules
	go vet ./...
	test -z "$$(go tool -modfile=tools/go.mod gofumpt -l . | tee /dev/stderr)"
	go tool -modfile=tools/go.mod staticcheck ./...
	go test ./internal/house

bench: ## measure against this machine's limits, some twenty minutes; see docs/performance.md
	go run ./bench

ci: ## everything that must hold before a change is merged
	.ci/run

release: ## the tag that is checked out, for the usual platforms, in dist/; see docs/install.md
	go run ./deploy/release
