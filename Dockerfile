# A static program in an empty image: nothing else to patch, no shell to use.
# For a build that can be repeated to the byte, give GO_VERSION=1.26.8 (say):
# nothing else of the build's machine gets into the program.
ARG GO_VERSION=1.26
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
# What "carteiro version" answers: --build-arg VERSION=$(git describe --tags)
ARG VERSION
# Without cgo, names are resolved by Go's resolver, on which the address policy
# relies. The time zones are in the program (time/tzdata).
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -X main.release=$VERSION" -o /out/carteiro ./cmd/carteiro \
 && mkdir /out/empty

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/carteiro /carteiro
# A new volume takes the owner of the directory that it covers. SQLite puts
# large temporary results into /tmp.
COPY --from=build --chown=65532:65532 /out/empty /data
COPY --from=build --chown=65532:65532 /out/empty /tmp
ENV CARTEIRO_LISTEN=0.0.0.0:8080 \
    CARTEIRO_DATA_DIR=/data
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/carteiro", "healthcheck"]
ENTRYPOINT ["/carteiro"]
CMD ["serve"]
