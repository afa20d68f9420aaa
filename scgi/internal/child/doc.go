// Package child runs the process that answers a request: in its own process group, supervised, and
// ended together with its descendants.
package child
