package units_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/socketgi/socketgi/units"
)

// A program of Go that calls scgihttp.Serve, started for each connection.
func ExampleRender() {
	pair, err := units.Render(units.Options{
		Name:    "guestbook",
		Exec:    []string{"/usr/local/bin/guestbook", "--title", "Our guests"},
		User:    "guestbook",
		Profile: units.None,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range pair.Files() {
		fmt.Printf("# /etc/systemd/system/%s\n%s\n", f.Name, f.Text)
	}
	// Output:
	// # /etc/systemd/system/guestbook.socket
	// # guestbook.socket: systemd listens, accepts, and starts guestbook@.service for each connection.
	// [Unit]
	// Description=guestbook: web application
	// # The default stops it for good after 6 starts within 10 s.
	// StartLimitIntervalSec=0
	//
	// [Socket]
	// ListenStream=/run/socketgi/guestbook.sock
	// # Only root and the web server's group may connect.
	// SocketUser=root
	// SocketGroup=www-data
	// SocketMode=0660
	// Accept=yes
	// # systemd closes further connections without a response; most requests queue in the adapter.
	// MaxConnections=1024
	// # The default stops this socket for good after 200 connections within 2 s.
	// TriggerLimitIntervalSec=0
	// RemoveOnStop=yes
	//
	// [Install]
	// WantedBy=sockets.target
	//
	// # /etc/systemd/system/guestbook@.service
	// # guestbook@.service: one request of guestbook.
	// [Unit]
	// Description=guestbook: one request
	// # Failed instances are discarded: they would count as connections.
	// CollectMode=inactive-or-failed
	// # The socket is already ordered after these dependencies; without them
	// # each start is cheaper.
	// DefaultDependencies=no
	// Conflicts=shutdown.target
	// Before=shutdown.target
	//
	// [Service]
	// ExecStart=/usr/local/bin/guestbook --title "Our guests"
	// WorkingDirectory=/
	// User=guestbook
	// # No capabilities, and none by setuid programs.
	// NoNewPrivileges=yes
	// CapabilityBoundingSet=
	// TimeoutStopSec=10
	// Slice=system.slice
	// # Omits systemd's own two journal entries for every request.
	// LogLevelMax=notice
	// SyslogLevel=notice
	//
	// [X-Socketgi]
	// Application=
}

// A service that accepts connections by itself, with directives of its own.
func ExampleOptions() {
	pair, err := units.Render(units.Options{
		Name:   "guestbook",
		Exec:   []string{"/usr/local/bin/guestbook"},
		Warm:   true,
		Limits: units.Limits{MemoryMax: "512M"},
		Service: []units.Group{
			{Why: "It has a file open for each guest.", Directives: []string{"LimitNOFILE=10000"}},
		},
	})
	fmt.Println(pair.SocketName, pair.ServiceName, pair.SliceName, err)
	// Output: guestbook.socket guestbook.service socketgi-guestbook.slice <nil>
}

func ExampleOptionError() {
	_, err := units.Render(units.Options{Name: "guestbook", Exec: []string{"/usr/local/bin/guestbook"}, Listen: "192.0.2.1:9000"})
	var option *units.OptionError
	if errors.As(err, &option) {
		fmt.Println(option.Field)
	}
	fmt.Println(err)
	// Output:
	// Allow
	// Allow: other machines can reach 192.0.2.1:9000 and could claim to be any user: listen at 127.0.0.1 or [::1], or allow the address of the web server
}

// The paths of an application that the sandbox would hide from it.
func ExampleOptions_Shown() {
	o := units.Options{
		Exec:             []string{"/home/ada/guestbook/serve.py"},
		WorkingDirectory: "/home/ada/guestbook",
		Reads:            []string{"/usr/lib/python3", "/home/ada/venv"},
		Profile:          units.Strict,
	}
	fmt.Println(o.Shown())
	// Output: [/home/ada/guestbook /home/ada/venv]
}

func ExampleOptions_Hardening() {
	o := units.Options{Profile: units.None}
	for _, g := range o.Hardening() {
		fmt.Println("#", g.Why)
		for _, d := range g.Directives {
			fmt.Println(d)
		}
	}
	// Output:
	// # No capabilities, and none by setuid programs.
	// NoNewPrivileges=yes
	// CapabilityBoundingSet=
}

func ExampleCommandLine() {
	value := units.CommandLine([]string{"/bin/echo", "100%", "$HOME", "two words"})
	fmt.Println("ExecStart=" + value)
	words, err := units.ParseCommandLine("-" + value)
	fmt.Printf("%q %v\n", words, err)
	// Output:
	// ExecStart=/bin/echo 100%% $$HOME "two words"
	// ["/bin/echo" "100%" "$HOME" "two words"] <nil>
}

func ExampleNginx() {
	text, err := units.Nginx(units.NginxOptions{
		Name:    "guestbook",
		Timeout: time.Minute,
		Static:  []units.NginxStatic{{URL: "/static", Dir: "/srv/guestbook/static"}},
	})
	fmt.Println(text, err)
	// Output:
	// # guestbook: put this into a server block of nginx.
	// location / {
	//     include scgi_params;
	//     scgi_param SCRIPT_NAME "";
	//     scgi_param PATH_INFO   $document_uri;
	//     scgi_param UNIQUE_ID   $request_id;
	//     # The adapter resolves a CGI program's redirects to local paths for nginx.
	//     scgi_param SERVER_SOFTWARE nginx/$nginx_version;
	//     # $host is safe but has no port, which redirects need. A request line with a whole URL has the
	//     # port there, and overrides the header Host.
	//     set $socketgi_port "";
	//     if ($http_host ~ "(?<socketgi_given>:[0-9]{1,5})$") {
	//         set $socketgi_port $socketgi_given;
	//     }
	//     if ($request ~ "^[^ ]+ [A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*?(?<socketgi_asked>:[0-9]{1,5})?[/?# ]") {
	//         set $socketgi_port $socketgi_asked;
	//     }
	//     scgi_param HTTP_HOST   $host$socketgi_port;
	//     # Uploads over 1m need a client_max_body_size here.
	//     # The default, 4k or 8k, is too small for many cookies.
	//     scgi_buffer_size 32k;
	//     scgi_buffers 16 32k;
	//     scgi_busy_buffers_size 64k;
	//     # Longer than the adapter's timeouts, whose error pages are more specific.
	//     scgi_read_timeout 75s;
	//     scgi_pass unix:/run/socketgi/guestbook.sock;
	// }
	// # Files that nginx itself serves; its user must be able to read them.
	// location ^~ /static/ {
	//     alias /srv/guestbook/static/;
	// }
	//  <nil>
}
