// Package access knows who may call: the API keys, and how often each may.
//
// Its door is [Registry.Check], from the text of a key to a [Grant], and
// [Registry.Create] and [Registry.Revoke], which change the keys. Keys are kept
// in memory, and freshness.go makes sure that the memory is not old: a key that
// was revoked is refused by every process from the moment at which the
// revocation is answered. rate.go counts what each key does, failures.go the
// wrong keys of each address, lastuse.go when a key was used. session.go is for
// a face that keeps a session instead of the key, owner.go tells whose a
// resource is.
//
// What a role may do is declared route by route in the faces; this package
// must not know routes, HTTP or settings.
package access
