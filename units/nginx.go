package units

import (
	"fmt"
	"strings"
	"time"
)

// NginxOptions are what [Nginx] makes a location of. Name is required; the zero value of every other
// field is its default.
type NginxOptions struct {
	// Name is the name of the application; see [CheckName].
	Name string
	// Mount is the prefix of its paths; see [CheckMount]. Default: all of the server, and with
	// Subrequests /_NAME.
	Mount string
	// Listen is where the application listens: an absolute path, or ADDRESS:PORT. Default
	// [SocketPath].
	Listen string
	// Servers are all places of an application that runs on several machines, in the place of Listen:
	// the location passes requests to the upstream of [NginxUpstream].
	Servers []NginxServer
	// Timeout is how long the application may take before it begins its response, with the time that
	// a request waits for it. nginx waits 15 seconds longer: the application's own error is the better
	// one. Default: a day, as nginx can't wait forever.
	Timeout time.Duration
	// Static are the files that nginx serves without the application.
	Static []NginxStatic
	// Subrequests makes the location one that nginx itself asks on behalf of another request, and no
	// client can. Default [NoSubrequests].
	Subrequests Subrequests
}

// NginxStatic is a folder of files that nginx serves without the application.
type NginxStatic struct {
	// URL is the prefix of their paths, such as /app/static; it is longer than that of the
	// application.
	URL string
	// Dir is the absolute path of the folder.
	Dir string
}

// Subrequests are the kinds of requests that nginx makes by itself.
type Subrequests int

const (
	NoSubrequests Subrequests = iota // requests of clients
	AuthRequest                      // whether a client's request may pass (ngx_http_auth_request_module)
	SSI                              // an include of a page (ngx_http_ssi_module)
)

// Nginx renders the locations for a server block of nginx 1.18 or later (ngx_http_scgi_module). They
// include the file scgi_params that nginx comes with. The error is an [*OptionError].
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

// prepare fills in what is left out, and tells which of the options is not possible.
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

// checkNginxPath tells why nginx can't be told of a path.
func checkNginxPath(path string) error {
	if strings.ContainsAny(path, " \t\r\n\x00;{}\"'$\\#") {
		return fmt.Errorf("nginx can't be told of %s: choose a socket path without blanks and quotes", path)
	}
	return nil
}

// instructions tell where the locations belong.
func (o *NginxOptions) instructions() string {
	switch {
	case o.Subrequests == AuthRequest:
		return "put these into a server block of nginx, and where it decides who may pass: auth_request " + o.Mount + ";"
	case o.Subrequests == SSI:
		return `put these into a server block of nginx, and into a page: <!--#include virtual="` + o.Mount + `/" -->`
	case o.Mount == "":
		return "put this into a server block of nginx."
	}
	return "put these into a server block of nginx. Of two prefixes the longer one wins, wherever it stands."
}

// location renders what stands in a location of the application. PATH_INFO is what is behind
// SCRIPT_NAME in DOCUMENT_URI, which scgi_params has: the program finds that out, and nginx
// could only by a regular expression.
func (o *NginxOptions) location() string {
	internal, script, body := "", "    scgi_param SCRIPT_NAME "+o.Mount+";\n", "    # Larger uploads than 1m need a client_max_body_size here.\n"
	if o.Mount == "" {
		script = "    scgi_param SCRIPT_NAME \"\";\n    scgi_param PATH_INFO   $document_uri;\n"
	}
	if o.Subrequests != NoSubrequests {
		internal = "    internal;\n"
		body = `    # A subrequest has the headers of the client's request, and not its body.
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
    # By this a CGI program's redirect to a path of this server is followed here.
    scgi_param SERVER_SOFTWARE nginx/$nginx_version;
%[6]s%[3]s    # The default of 4k or 8k is too little for many cookies.
    scgi_buffer_size 32k;
    scgi_buffers 16 32k;
    scgi_busy_buffers_size 64k;
    # Longer than the application may wait and take: its own answer is better.
    scgi_read_timeout %[4]ds;
%[7]s    scgi_pass %[5]s;
`, internal, script, body, waits(o.Timeout), pass, hostComment+indented(NginxHost), o.passOn())
}

// NginxHost gives an application the host and the port that the client used, as directives of a
// location, a line each. $http_host has both, and must not be used: it is what the client put into
// the header, also where the request line has the URL of another host, by which nginx has chosen the
// server (RFC 9112, 3.2.2). $host is the right one, without its port. nginx has had
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

const hostComment = `    # $host is safe and has no port; redirects need the one the client used. A request line with
    # a whole URL has it there, whatever the header Host says.
`

func indented(lines string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n    ") + "\n"
}

// margin is how many seconds nginx waits longer than others do.
const margin = 15
