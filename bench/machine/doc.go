// Package machine reads what Linux tells of processes and of the computer:
// processor time, memory, and how busy it is.
//
// Its door is [Proc]. It must not know what is being measured. On other
// systems there is no /proc, and everything answers with an error.
package machine
