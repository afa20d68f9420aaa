// Package units renders the configuration of a web application that systemd starts on demand: a socket
// unit and its service unit ([Render]), and the configuration of a web server that passes requests to
// the socket ([Nginx], [Apache], [Lighttpd]). The program behind the socket speaks SCGI, for example by
// package scgihttp, or by the adapter of this module.
//
// Only the web server may connect to the socket. It doesn't fail for good under load. The program runs
// in one of three sandboxes ([Profile]). The units fit the version of systemd that reads them.
//
// The package returns text and doesn't access the system. Package inetd renders units for services of
// inetd and xinetd.
package units
