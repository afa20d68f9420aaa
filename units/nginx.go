package units

import (
	"fmt"
	"strings"
	"time"
)

// NginxOptions say what a location is for.
type NginxOptions struct {
	// Name is the name of the application.
	Name string
	// Mount is the prefix of its paths, "" for all of the server.
	Mount string
	// Listen is where it listens: an absolute path, or HOST:PORT. Default
	// /run/socketgi/NAME.sock.
	Listen string
	// Timeout is the application's, 0 for none; nginx waits longer than that, and
	// than the queue in front of it.
	Timeout time.Duration
	// Static are files that nginx serves by itself.
	Static []NginxStatic
	// Subrequests says that nginx itself asks the application on behalf of a request that
	// another location has, and no client does. Mount is /_NAME then where it is "".
	Subrequests Subrequests
}

// NginxStatic is a folder of files that nginx serves without the application.
type NginxStatic struct {
	// URL is the prefix of their paths, such as /app/static.
	URL string
	// Dir is the absolute path of the folder.
	Dir string
}

// Subrequests are the kinds of requests that nginx makes by itself.
type Subrequests int

const (
	NoSubrequests Subrequests = iota // clients ask by themselves
	AuthRequest                      // ngx_http_auth_request_module: may this request be answered?
	SSI                              // ngx_http_ssi_module: what is to be included in a page
)

// Nginx renders the locations for a server block of nginx 1.18 or later. The error says
// which of the options is not possible.
func Nginx(o NginxOptions) (string, error) {
	if err := CheckName(o.Name); err != nil {
		return "", err
	}
	if o.Listen == "" {
		o.Listen = SocketPath(o.Name)
	} else if err := checkListen(o.Listen); err != nil {
		return "", err
	}
	if err := CheckMount(o.Mount); err != nil {
		return "", err
	}
	o.Mount = strings.TrimRight(o.Mount, "/")
	if o.Mount == "" && o.Subrequests != NoSubrequests {
		o.Mount = "/_" + strings.ReplaceAll(o.Name, "@", "_")
	}
	pass := o.Listen
	if pass[0] == '/' {
		pass = "unix:" + pass
	}
	if strings.ContainsAny(pass, " \t\r\n;{}\"'$\\#") {
		return "", fmt.Errorf("nginx can't be told of %s: choose a socket path without blanks and quotes", o.Listen)
	}
	var b strings.Builder
	switch {
	case o.Subrequests == AuthRequest:
		fmt.Fprintf(&b, "# %s: put these into a server block of nginx, and where it decides who may pass: auth_request %s;\n", o.Name, o.Mount)
	case o.Subrequests == SSI:
		fmt.Fprintf(&b, "# %s: put these into a server block of nginx, and into a page: <!--#include virtual=\"%s/\" -->\n", o.Name, o.Mount)
	case o.Mount == "":
		fmt.Fprintf(&b, "# %s: put this into a server block of nginx.\n", o.Name)
	default:
		fmt.Fprintf(&b, "# %s: put these into a server block of nginx. Of two prefixes the longer one wins, wherever it stands.\n", o.Name)
	}
	if o.Mount == "" {
		fmt.Fprintf(&b, "location / {\n%s}\n", o.location(pass))
	} else {
		fmt.Fprintf(&b, "location ^~ %[1]s/ {\n%[2]s}\nlocation = %[1]s {\n%[2]s}\n", o.Mount, o.location(pass))
	}
	dirs := map[string]string{}
	for _, s := range o.Static {
		location, err := s.location(o.Mount)
		if err != nil {
			return "", err
		}
		url := strings.TrimRight(s.URL, "/")
		if dir, ok := dirs[url]; ok {
			return "", fmt.Errorf("%s is given twice, for %s and %s: one URL has one folder", s.URL, dir, s.Dir)
		}
		dirs[url] = s.Dir
		b.WriteString(location)
	}
	return b.String(), nil
}

// location renders what stands in a location of the application. PATH_INFO is what is behind
// SCRIPT_NAME in DOCUMENT_URI, which scgi_params has: the adapter finds that out, and nginx
// could only by a regular expression.
func (o NginxOptions) location(pass string) string {
	internal, script, body := "", "    scgi_param SCRIPT_NAME "+o.Mount+";\n", ""
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
	} else {
		body = "    # Larger uploads than 1m need a client_max_body_size here.\n"
	}
	return fmt.Sprintf(`%[1]s    include scgi_params;
%[2]s    scgi_param UNIQUE_ID   $request_id;
    # By this a CGI program's redirect to a path of this server is followed here.
    scgi_param SERVER_SOFTWARE nginx/$nginx_version;
    # $host is safe and has no port; redirects need the one the client used.
    set $socketgi_port "";
    if ($http_host ~ "(?<socketgi_given>:[0-9]{1,5})$") {
        set $socketgi_port $socketgi_given;
    }
    scgi_param HTTP_HOST   $host$socketgi_port;
%[3]s    # The default of 4k or 8k is too little for many cookies.
    scgi_buffer_size 32k;
    scgi_buffers 16 32k;
    scgi_busy_buffers_size 64k;
    # Longer than the application may wait and take: its own answer is better.
    scgi_read_timeout %[4]ds;
    scgi_pass %[5]s;
`, internal, script, body, o.readTimeout(), pass)
}

// location renders a location for the files. No other location takes them away: ^~ leaves no
// regular expression a say, and the prefix is longer than the application's.
func (s NginxStatic) location(mount string) (string, error) {
	url := strings.TrimRight(s.URL, "/")
	if err := CheckMount(s.URL); err != nil {
		return "", err
	}
	switch {
	case url == "" || url == mount:
		return "", fmt.Errorf("%s=%s: all of the application's paths begin so: name a longer one, like %s/static", s.URL, s.Dir, mount)
	case !strings.HasPrefix(s.Dir, "/"):
		return "", fmt.Errorf("%s=%s: the path of the folder begins with a slash", s.URL, s.Dir)
	case strings.ContainsAny(s.Dir, "$\r\n\x00"):
		return "", fmt.Errorf("nginx can't be told of %q: a $ in it would be a variable, and a line break is none of a path", s.Dir)
	}
	dir := strings.TrimRight(s.Dir, "/") + "/"
	if strings.ContainsAny(dir, " \t;{}\"'\\#") {
		dir = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(dir) + `"`
	}
	return fmt.Sprintf("# Files that nginx serves by itself; its user must be able to read them.\n"+
		"location ^~ %s/ {\n    alias %s;\n}\n", url, dir), nil
}

// readTimeout is in seconds.
func (o NginxOptions) readTimeout() int {
	const queue, margin = 30, 15
	if o.Timeout == 0 {
		return 24 * 60 * 60 // nginx can't wait for ever
	}
	return int(o.Timeout.Seconds()) + queue + margin
}

// CheckMount tells why mount can't be the prefix of an application's paths.
func CheckMount(mount string) error {
	if mount == "" || mount == "/" {
		return nil
	}
	if mount[0] != '/' || strings.Contains(mount, "//") {
		return fmt.Errorf("%q is not a prefix: it begins with one slash, like /app", mount)
	}
	for segment := range strings.SplitSeq(mount, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("%q is not a prefix: no browser sends . or .. in a path", mount)
		}
	}
	for _, c := range []byte(mount) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/_.~-", c) >= 0) {
			return fmt.Errorf("%q is not a prefix: use letters, digits, / _ . ~ and -", mount)
		}
	}
	return nil
}
