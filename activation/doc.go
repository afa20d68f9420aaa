// Package activation finds out what this process was handed by whoever started
// it: one connection (an Accept=yes service of systemd, inetd, xinetd) or
// sockets to accept connections from (Accept=no). It follows sd_listen_fds(3)
// and inetd's convention that a connection is standard input. It also tells the
// service manager how this process is (sd_notify(3)).
//
// It imports no net: a process that is started for a single connection pays
// for each import at every start.
package activation
