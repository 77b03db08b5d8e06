// Package child runs processes that end when this one does, however it ends
// (on Linux), and are ended by their process id.
//
// Its door is [Start]. It must not know what the processes are for.
package child
