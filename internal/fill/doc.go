// Package fill puts a long history into a database: deliveries that ended
// weeks ago, with their messages and attempts, in numbers that no intake
// reaches in a benchmark's time.
//
// Its door is [History]. It is the one place beside package store that writes
// SQL, because a program that can make up its own history has no place there;
// a test reads what it wrote through the store, on both databases. It must not
// know what the history is for.
package fill
