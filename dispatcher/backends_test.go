package dispatcher_test

import (
	"flag"
	"os"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(childJobs); database != "" {
		workOnJobs(database)
	}
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given { // most parallel tests here wait for a time to come, not for a processor
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	os.Exit(testserver.Run(m))
}

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
