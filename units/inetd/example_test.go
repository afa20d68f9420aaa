package inetd_test

import (
	"fmt"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/inetd"
)

// A plain service, and a CGI program that scgi_run ran.
func ExampleImporter() {
	im := &inetd.Importer{
		Services: "ftp 21/tcp",
		Application: func(o *units.Options, p inetd.Program) (notes []string, err error) {
			o.Exec = append([]string{"/usr/local/bin/scgi2cgi"}, p.CGI...)
			return []string{"runs by scgi2cgi"}, nil
		},
	}
	pairs, notes := im.Import("ftp stream tcp nowait root internal\n" +
		"ftp stream tcp nowait root /usr/sbin/ftpd ftpd -l\n" +
		":www:www:200:/run/hello.sock stream unix nowait www /usr/bin/scgi_run scgi_run /usr/lib/cgi-bin/hello\n")
	for _, p := range pairs {
		fmt.Println(p.SocketName, p.ServiceName)
	}
	for _, n := range notes {
		fmt.Println(n.Line, n.Text)
	}
	// Output:
	// inetd-ftp.socket inetd-ftp@.service
	// hello.socket hello@.service
	// 0 hosts.allow and hosts.deny have no effect on systemd's sockets: use IPAddressAllow= and IPAddressDeny=
	// 1 ftp: no units: ftp was internal to inetd; systemd has no such service
	// 3 :www:www:200:/run/hello.sock: runs by scgi2cgi
}
