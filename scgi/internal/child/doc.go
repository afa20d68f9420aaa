// Package child runs the process that answers a request: it is started in a
// process group of its own, watched, and ended with all that it started.
package child
