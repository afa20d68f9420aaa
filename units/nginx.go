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
}

// Nginx renders a location for a server block of nginx 1.18 or later. The error says
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
	mount := strings.TrimRight(o.Mount, "/")
	pass := o.Listen
	if pass[0] == '/' {
		pass = "unix:" + pass
	}
	if strings.ContainsAny(pass, " \t\r\n;{}\"'$\\#") {
		return "", fmt.Errorf("nginx can't be told of %s: choose a socket path without blanks and quotes", o.Listen)
	}
	location, script, path := "/", `""`, "$document_uri"
	if mount != "" {
		// A prefix location would take /prefixother as well; this one leaves the
		// rest of the path in a variable, and a path may hold a line break.
		location = fmt.Sprintf(`~ "(?s)^(?<socketgi_script>%s)(?<socketgi_path>/.*)?\z"`, strings.ReplaceAll(mount, ".", `\.`))
		script, path = "$socketgi_script", "$socketgi_path"
	}
	return fmt.Sprintf(`# %[1]s: put this into a server block of nginx.
location %[2]s {
    include scgi_params;
    scgi_param SCRIPT_NAME %[3]s;
    scgi_param PATH_INFO   %[4]s;
    scgi_param UNIQUE_ID   $request_id;
    # By this a CGI program's redirect to a path of this server is followed here.
    scgi_param SERVER_SOFTWARE nginx/$nginx_version;
    # $host is safe and has no port; redirects need the one the client used.
    set $socketgi_port "";
    if ($http_host ~ "(?<socketgi_given>:[0-9]{1,5})$") {
        set $socketgi_port $socketgi_given;
    }
    scgi_param HTTP_HOST   $host$socketgi_port;
    # Larger uploads than 1m need a client_max_body_size here.
    # The default of 4k or 8k is too little for many cookies.
    scgi_buffer_size 32k;
    scgi_buffers 16 32k;
    scgi_busy_buffers_size 64k;
    # Longer than the application may wait and take: its own answer is better.
    scgi_read_timeout %[6]ds;
    scgi_pass %[5]s;
}
`, o.Name, location, script, path, pass, o.readTimeout()), nil
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
