// Package seal encrypts secrets at rest with AES-256-GCM. What is sealed is
// bound to a place (a table's row), so that a sealed value copied to another
// row does not open there. A ring of keys lets the key be changed: new values
// are sealed with the first key, old ones open with the key they name.
package seal
