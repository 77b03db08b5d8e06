// Package subscriptions knows who wants which event, and the rules of
// changing that.
//
// Its door is the [Registry]: [Registry.Create], [Registry.Update],
// [Registry.Pause], [Registry.Resume], [Registry.RotateSecret] change; the
// [Index] that it keeps in memory answers who matches ([Index.Match]) without
// touching the database. The index is a snapshot with the catalogue's version;
// whoever acts on it has the version checked in the transaction that acts
// (store.Accept, store.Claim), so a change is seen at once by every process.
//
// A client has a secret of its own for what goes to a callback without a
// subscription ([Registry.ClientSecrets]); the index holds those too.
//
// Secrets are opened here and nowhere else. This package must not know how a
// request is sent or what an HTTP route looks like. From here an event goes
// to the dispatcher, which makes a delivery for each match.
package subscriptions
