//go:build !failpoints

package failpoint

import (
	"os"
	"path/filepath"
	"testing"
)

// The program as it is shipped cannot be ended by its environment.
func TestNothingHappens(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	t.Setenv(EnvMark, mark)
	for _, p := range Points() {
		t.Setenv(Env, string(p))
		Hit(p)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("a point was marked: %v", err)
	}
}
