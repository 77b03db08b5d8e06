// Package load is what runs beside the program that is measured, each part in
// a process of its own: the receiver, which notes what arrives, and the load,
// which posts events, or sets the limits that Carteiro is compared with: a bare
// http.Client, plain asynq, a loop over stored records.
//
// Its doors are [Start], which runs this binary again as such a process, and
// [Main], which is that process's whole life. It must not know what the numbers
// are compared with.
package load
