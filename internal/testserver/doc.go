// Package testserver starts real PostgreSQL and Redis servers as child
// processes, on free ports of the loopback interface, and ends them by their
// process id.
//
// Its doors for tests and benchmarks are [Postgres], a fresh database on a
// server that the whole test binary shares, and [Redis], a server of its own
// for each call. A package that uses Postgres ends the shared server in its
// TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
//
// Outside of tests, [StartPostgres] and [StartRedis] do the same and return
// servers that can be killed, paused and restarted.
//
// A machine without the programs skips the test and says why, unless
// CARTEIRO_TEST_SERVERS=required is set: then it fails. On Linux the kernel
// ends every server together with the process that started it, however that
// one ends.
//
// A goroutine stays with each server as long as it runs. A goleak check that
// happens before that ignores it with
//
//	goleak.IgnoreAnyFunction("github.com/carteiro-webhooks/carteiro/internal/testserver.(*process).run")
//
// The package must not know about anything else of the house.
package testserver
