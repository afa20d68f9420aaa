// Package activation receives the sockets that systemd, inetd or xinetd passed to this process: one
// connection (Accept=yes), or listening sockets (Accept=no). It follows sd_listen_fds(3), and inetd's
// convention that a connection is standard input. It also notifies the service manager (sd_notify(3)).
//
// It doesn't import net: a process for a single connection pays for each import at every start.
package activation
