// Package mongowire tests the MongoDB source of the exports against a server
// that speaks MongoDB's wire protocol: FerretDB, in this process, on SQLite in
// memory. It is a module of its own, because what that server is made of must
// not become a part of what the program is built from.
package mongowire
