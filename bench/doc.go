// Command bench measures Carteiro against the limits of the machine that it
// runs on, and against the targets that docs/performance.md lists:
//
//	go run ./bench
//
// It starts its own PostgreSQL and Redis, builds the real program and runs it
// as a process, with the receiver and the load in processes of their own, all
// on 127.0.0.1. A case (F1 to F11) is a few runs; what a case is compared with
// is measured in the same run.
//
// Its door is the table [cases]. How a process is run is in package child, what
// the machine tells in machine, what is posted and received in load, and how it
// is written down in report. It must not know how the program works inside: it
// speaks to it by HTTP and settings alone. Only a history of a million
// deliveries is put straight into the database (internal/fill).
package main
