// Package migrations holds the schema, as one numbered list of steps for each
// of the two databases, and applies what is missing.
//
// The two folders have the same numbers and the same tables and columns; a
// test holds them to that. A step that has been released is never edited:
// expand in one release, contract in a later one, so that an old binary runs
// beside a new one.
//
// Its door is [Apply]. It must not know what the tables mean.
package migrations
