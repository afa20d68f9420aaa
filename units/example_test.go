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
	// # Otherwise it fails for good when it is started 6 times within 10 s.
	// StartLimitIntervalSec=0
	//
	// [Socket]
	// ListenStream=/run/socketgi/guestbook.sock
	// # The web server may connect, and nobody else.
	// SocketUser=root
	// SocketGroup=www-data
	// SocketMode=0660
	// Accept=yes
	// # More connections than this are closed without an answer, so it is generous.
	// MaxConnections=1024
	// # Otherwise 200 connections within 2 s stop this socket for good.
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
	// # A request that failed leaves nothing behind that counts as a connection.
	// CollectMode=inactive-or-failed
	// # The socket is ordered after what a request needs; without its own
	// # dependencies each start is cheaper.
	// DefaultDependencies=no
	// Conflicts=shutdown.target
	// Before=shutdown.target
	//
	// [Service]
	// ExecStart=/usr/local/bin/guestbook --title "Our guests"
	// WorkingDirectory=/
	// User=guestbook
	// # No program gives it more privileges, setuid or not.
	// NoNewPrivileges=yes
	// CapabilityBoundingSet=
	// TimeoutStopSec=10
	// Slice=system.slice
	// # systemd's own two lines for every request are left out.
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
	// Allow: 192.0.2.1:9000 can be reached by others, who could claim to be any user: listen at 127.0.0.1 or [::1], or name the address of the web server's machine
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
	// # No program gives it more privileges, setuid or not.
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
	//     # By this a CGI program's redirect to a path of this server is followed here.
	//     scgi_param SERVER_SOFTWARE nginx/$nginx_version;
	//     # $host is safe and has no port; redirects need the one the client used. A request line with
	//     # a whole URL has it there, whatever the header Host says.
	//     set $socketgi_port "";
	//     if ($http_host ~ "(?<socketgi_given>:[0-9]{1,5})$") {
	//         set $socketgi_port $socketgi_given;
	//     }
	//     if ($request ~ "^[^ ]+ [A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*?(?<socketgi_asked>:[0-9]{1,5})?[/?# ]") {
	//         set $socketgi_port $socketgi_asked;
	//     }
	//     scgi_param HTTP_HOST   $host$socketgi_port;
	//     # Larger uploads than 1m need a client_max_body_size here.
	//     # The default of 4k or 8k is too little for many cookies.
	//     scgi_buffer_size 32k;
	//     scgi_buffers 16 32k;
	//     scgi_busy_buffers_size 64k;
	//     # Longer than the application may wait and take: its own answer is better.
	//     scgi_read_timeout 75s;
	//     scgi_pass unix:/run/socketgi/guestbook.sock;
	// }
	// # Files that nginx serves by itself; its user must be able to read them.
	// location ^~ /static/ {
	//     alias /srv/guestbook/static/;
	// }
	//  <nil>
}
