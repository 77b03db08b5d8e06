// Package reseal changes the key under which secrets are sealed in the
// database, and tells which key what is sealed needs.
//
// Its doors are [Check], which a server asks at its start, and [Run], which
// seals everything anew with the present key. It must not know what is inside
// a sealed value.
package reseal
