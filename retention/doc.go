// Package retention removes what is over its time, and the personal data of a
// client when somebody with the right to it asks.
//
// Its door is [Keeper]: one goroutine in each process that does the clock's
// work, of which one at a time has the lease in SQL. It works in small
// transactions with a pause after each, so that nobody waits for it. It must
// not know how deliveries are sent, nor who asks: it is told periods, and finds
// erasures in SQL, where [github.com/carteiro-webhooks/carteiro/api] puts them.
package retention
