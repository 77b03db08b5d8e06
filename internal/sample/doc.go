// Package sample makes up records of the platform's datasets: plausible
// Brazilian names, cities, prices and times, and no real person's data.
// Document numbers have wrong check digits, phone numbers an area code that
// does not exist, e-mail addresses and URLs reserved domains (RFC 2606).
//
// A record depends on the seed, the dataset and its number alone, so that
// tests, the demo and the benchmarks can make any of a million records again
// without keeping it. The fields and their order come from the table in
// package webhook.
//
// Its door is [New], then [Generator.Append]. It must not know where the
// records go.
package sample
