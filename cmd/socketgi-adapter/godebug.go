//go:build go1.26

// go.mod names the oldest Go that builds this. A newer one then writes what has changed
// since into the program, and each start reads and applies it: 0.1 ms of processor time.

//go:debug default=go1.26
package main
