//go:build race

package dispatcher_test

// slowness is how much longer than otherwise something may take: the race
// detector makes the program several times slower, and what must be on time is
// so "when the machine can carry the load" (P13).
const slowness = 5
