package dispatcher_test

import (
	"os"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// eachBackend runs a test on the embedded parts and on real servers.
func eachBackend(t *testing.T, test func(t *testing.T, o houseOptions)) {
	t.Run("embedded", func(t *testing.T) { test(t, houseOptions{}) })
	t.Run("servers", func(t *testing.T) {
		test(t, houseOptions{database: testserver.Postgres(t), redis: testserver.Redis(t, testserver.AppendOnly()).URL()})
	})
}

// eachBackendAtOnce is eachBackend for tests that mostly wait: both run at the
// same time, beside other parallel tests.
func eachBackendAtOnce(t *testing.T, test func(t *testing.T, o houseOptions)) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, o houseOptions) {
		t.Parallel()
		test(t, o)
	})
}
