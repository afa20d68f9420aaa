package units

import (
	"fmt"
	"strings"
	"time"
)

// NginxOptions describe the locations of [Nginx]. Name is required; the zero value of every other field
// is its default.
type NginxOptions struct {
	// Name is the name of the application; see [CheckName].
	Name string
	// Mount is the prefix of its paths; see [CheckMount]. Default: all of the server, and with
	// Subrequests /_NAME.
	Mount string
	// Listen is the application's address: an absolute path, or ADDRESS:PORT. Default [SocketPath].
	Listen string
	// Servers are the addresses of an application that runs on several machines. They replace Listen:
	// the location passes requests to the upstream of [NginxUpstream].
	Servers []NginxServer
	// Timeout limits the time until the response begins, including the wait in the queue. nginx waits 15
	// seconds longer, so that clients get the adapter's error page. Default: a day, as nginx has no
	// unlimited timeout.
	Timeout time.Duration
	// Static are the files that nginx itself serves.
	Static []NginxStatic
	// Subrequests makes the location internal, for subrequests of nginx. Default [NoSubrequests].
	Subrequests Subrequests
	// Streaming has nginx pass on each part of a response when it arrives, for server-sent events and
	// WebSockets. Default: nginx collects what it can.
	Streaming bool
}

// NginxStatic is a directory of files that the web server itself serves.
type NginxStatic struct {
	// URL is the prefix of their URLs, such as /app/static, longer than the application's prefix.
	URL string
	// Dir is the absolute path of the folder.
	Dir string
}

// Subrequests are the kinds of subrequests of nginx.
type Subrequests int

const (
	NoSubrequests Subrequests = iota // requests of clients
	AuthRequest                      // authorization of a client's request (ngx_http_auth_request_module)
	SSI                              // an include of a page (ngx_http_ssi_module)
)

// Nginx renders the locations for a server block of nginx 1.18 or later (ngx_http_scgi_module). They
// include nginx's file scgi_params. The error is an [*OptionError].
func Nginx(o NginxOptions) (string, error) {
	if err := o.prepare(); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# " + o.Name + ": " + o.instructions() + "\n")
	if o.Mount == "" {
		fmt.Fprintf(&b, "location / {\n%s}\n", o.location())
	} else {
		fmt.Fprintf(&b, "location ^~ %[1]s/ {\n%[2]s}\nlocation = %[1]s {\n%[2]s}\n", o.Mount, o.location())
	}
	static, err := o.static()
	if err != nil {
		return "", err
	}
	return b.String() + static, nil
}

// prepare sets the defaults, and returns an error for an invalid option.
func (o *NginxOptions) prepare() error {
	if err := asOption("Name", CheckName(o.Name)); err != nil {
		return err
	}
	if o.Listen == "" {
		o.Listen = SocketPath(o.Name)
	} else if err := asOption("Listen", checkPlace(o.Listen)); err != nil {
		return err
	}
	if err := asOption("Listen", checkNginxPath(o.Listen)); err != nil {
		return err
	}
	if err := o.checkServers(); err != nil {
		return err
	}
	if err := asOption("Mount", CheckMount(o.Mount)); err != nil {
		return err
	}
	o.Mount = strings.TrimRight(o.Mount, "/")
	if o.Mount == "" && o.Subrequests != NoSubrequests {
		o.Mount = "/_" + o.Name
	}
	return nil
}

// checkNginxPath refuses paths that nginx's configuration can't contain.
func checkNginxPath(path string) error {
	if strings.ContainsAny(path, " \t\r\n\x00;{}\"'$\\#") {
		return fmt.Errorf("nginx can't use the path %s: choose one without blanks and quotes", path)
	}
	return nil
}

// instructions describe where the locations belong.
func (o *NginxOptions) instructions() string {
	switch {
	case o.Subrequests == AuthRequest:
		return "put these into a server block of nginx, and into the protected location: auth_request " + o.Mount + ";"
	case o.Subrequests == SSI:
		return `put these into a server block of nginx, and into a page: <!--#include virtual="` + o.Mount + `/" -->`
	case o.Mount == "":
		return "put this into a server block of nginx."
	}
	return "put these into a server block of nginx. The longest prefix matches, in any order."
}

// location renders the directives of a location. The adapter derives PATH_INFO from SCRIPT_NAME and
// DOCUMENT_URI; nginx would need a regular expression.
func (o *NginxOptions) location() string {
	internal, script, body := "", "    scgi_param SCRIPT_NAME "+o.Mount+";\n", "    # Uploads over 1m need a client_max_body_size here.\n"
	if o.Mount == "" {
		script = "    scgi_param SCRIPT_NAME \"\";\n    scgi_param PATH_INFO   $document_uri;\n"
	}
	if o.Subrequests != NoSubrequests {
		internal = "    internal;\n"
		body = `    # A subrequest has the headers of the client's request, but no body.
    scgi_pass_request_body off;
    scgi_param CONTENT_LENGTH      "";
    scgi_param HTTP_CONTENT_LENGTH "";
`
	}
	pass := passTo(o.Listen)
	if len(o.Servers) > 0 {
		pass = upstreamName(o.Name)
	}
	return fmt.Sprintf(`%[1]s    include scgi_params;
%[2]s    scgi_param UNIQUE_ID   $request_id;
    # The adapter resolves a CGI program's redirects to local paths for nginx.
    scgi_param SERVER_SOFTWARE nginx/$nginx_version;
%[6]s%[3]s    # The default, 4k or 8k, is too small for many cookies.
    scgi_buffer_size 32k;
    scgi_buffers 16 32k;
    scgi_busy_buffers_size 64k;
%[8]s    # Longer than the adapter's timeouts, whose error pages are more specific.
    scgi_read_timeout %[4]ds;
%[7]s    scgi_pass %[5]s;
`, internal, script, body, waits(o.Timeout), pass, hostComment+indented(NginxHost), o.passOn(), o.stream())
}

// stream renders what streamed responses need. nginx makes a connection a tunnel after a response with
// status 101, without a directive, and restarts scgi_read_timeout with each byte in either direction.
func (o *NginxOptions) stream() string {
	if !o.Streaming {
		return ""
	}
	return `    # Each event of a stream is passed on at once.
    scgi_buffering off;
    # A stream, or an open WebSocket, is ended after scgi_read_timeout without traffic. The pings of a
    # WebSocket, every 20 seconds, are traffic; a stream of events needs a comment line now and then.
`
}

// NginxHost are directives of a location, a line each, for the host and the port of the request.
// $http_host is unsafe: it is the header Host even if the request line has the URL of another host, by
// which nginx chose the server (RFC 9112, 3.2.2). $host is safe, but has no port. nginx has
// $host$is_request_port$request_port for this since 1.29.3.
const NginxHost = `set $socketgi_port "";
if ($http_host ~ "(?<socketgi_given>:[0-9]{1,5})$") {
    set $socketgi_port $socketgi_given;
}
if ($request ~ "^[^ ]+ [A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*?(?<socketgi_asked>:[0-9]{1,5})?[/?# ]") {
    set $socketgi_port $socketgi_asked;
}
scgi_param HTTP_HOST   $host$socketgi_port;
`

const hostComment = `    # $host is safe but has no port, which redirects need. A request line with a whole URL has the
    # port there, and overrides the header Host.
`

func indented(lines string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n    ") + "\n"
}

// margin is the number of seconds that nginx waits longer than the adapter.
const margin = 15
