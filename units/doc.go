// Package units renders what an operator installs for a web application that systemd starts on demand:
// a socket unit and the service unit that it starts ([Render]), and what passes requests to the socket in
// the configuration of a web server ([Nginx], [Apache], [Lighttpd]). The program behind the socket speaks SCGI, for instance by package
// scgihttp, or by the adapter of this module.
//
// The units listen where the web server alone may connect, don't fail for good under load, and run the
// program in one of three sandboxes ([Profile]). They are rendered for the version of systemd that
// reads them.
//
// Text comes in and text goes out; nothing here touches the system. Package inetd renders units for
// what inetd and xinetd ran.
package units
