// Package manifests tests what an installation reads against the types of
// those who read it: deploy/kubernetes against Kubernetes' own, so that a
// misspelt field is a failure here and not something that a cluster passes
// over, and docker-compose.yml with the parser that Compose uses. It is a
// module of its own, because what those types need must not become a part of
// what the program is built from.
//
// What the files say of the program (settings, ports, paths, times) is compared
// with the program in cmd/carteiro.
package manifests
