//go:build !race

package dispatcher_test

// slowness is explained in race_test.go.
const slowness = 1
