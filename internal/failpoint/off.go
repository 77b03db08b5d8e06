//go:build !failpoints

package failpoint

// Hit marks a moment. In this build nothing happens there.
func Hit(Point) {}
