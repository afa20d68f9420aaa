// Package units renders what an operator installs for an application: the
// socket unit and the service unit of systemd, and the location for nginx. It makes
// units of what inetd and xinetd ran, too. Text comes in and text goes out; nothing
// here touches the system.
package units
