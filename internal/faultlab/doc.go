// Package faultlab is the laboratory: it breaks what can break while the real
// program works, lets it heal, and then holds every promise against what SQL
// says and what the receivers saw. The package is tests only.
//
// Its doors are
//
//	make faults               every run on both back ends, a new seed
//	make faults SEED=42       the same choices again
//	go test ./internal/faultlab   the short part; what needs servers is skipped without them
//
// A run ([world]) has real processes, built with the build tag "failpoints",
// on SQLite with the embedded Redis, or several of them on PostgreSQL and
// Redis. Over them goes a load of events, verifications and records for a fast
// export ([load]), to a receiver that answers, fails, is slow or never
// acknowledges ([receiver]). The run's fault is written in its diary with what
// it excuses ([fault]); what is not excused there is a broken promise
// ([oracle]). The moments at which a process is killed are those of package
// failpoint; a run that does not come to its moment fails.
//
// The package must not know how the program does its work, only its API, its
// settings and its tables through package store.
package faultlab
