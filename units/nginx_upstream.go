package units

import (
	"fmt"
	"strings"
)

// NginxServer is an address of an application that runs on several machines.
type NginxServer struct {
	// Address is HOST:PORT, or the absolute path of a socket on nginx's machine. nginx resolves a name
	// when it reads its configuration, and doesn't start if that fails.
	Address string
	// Backup sends requests to it only if all others fail.
	Backup bool
}

// upstreamName is the name of the application's upstream.
func upstreamName(name string) string { return "socketgi-" + name }

// NginxUpstream renders the upstream of [NginxOptions.Servers], for the http block of nginx 1.18 or
// later (ngx_http_upstream_module). The error is an [*OptionError].
//
// nginx checks machines by clients' requests only: after 3 failures within 10 seconds a machine gets none
// for 10 seconds, then one request as a trial. Without the zone each worker of nginx would count alone.
func NginxUpstream(o NginxOptions) (string, error) {
	if err := o.prepare(); err != nil {
		return "", err
	}
	if len(o.Servers) == 0 {
		return "", optionError("Servers", "an upstream needs a server")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# %s: put this into the http block of nginx, as in /etc/nginx/conf.d.
upstream %s {
    # All workers of nginx share the state of a machine.
    zone %[2]s 64k;
    # After 3 failures within 10 seconds a machine gets no requests for 10 seconds.
`, o.Name, upstreamName(o.Name))
	for _, s := range o.Servers {
		backup := ""
		if s.Backup {
			backup = " backup"
		}
		fmt.Fprintf(&b, "    server %s max_fails=3 fail_timeout=10s%s;\n", passTo(s.Address), backup)
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// checkServers checks the servers of an upstream.
func (o *NginxOptions) checkServers() error {
	seen, first := map[string]bool{}, false
	for _, s := range o.Servers {
		if err := checkServer(s.Address); err != nil {
			return asOption("Servers", err)
		}
		if seen[s.Address] {
			return optionError("Servers", "%s is given twice", s.Address)
		}
		seen[s.Address] = true
		first = first || !s.Backup
	}
	if len(o.Servers) > 0 && !first {
		return optionError("Servers", "at least one server must not be a backup")
	}
	return nil
}

// checkServer checks the address of a server.
func checkServer(s string) error {
	if s != "" && isPath(s) {
		if err := checkPlace(s); err != nil {
			return err
		}
		return checkNginxPath(s)
	}
	place := s
	if i := strings.LastIndexByte(s, ':'); i > 0 && isHostName(s[:i]) {
		place = "127.0.0.1" + s[i:]
	}
	if isPath(place) || checkPlace(place) != nil {
		return fmt.Errorf("%q is not a server: expected HOST:PORT, such as 192.0.2.7:9000, [2001:db8::7]:9000 or app1.example.org:9000", s)
	}
	return nil
}

// isHostName reports whether s is a host name (RFC 1123, 2.1), not an address.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || strings.ContainsFunc(label, func(c rune) bool { return c >= 0x80 || !isAlphanumeric(byte(c)) && c != '-' }) {
			return false
		}
	}
	return strings.Trim(s, "0123456789.") != ""
}

// passOn renders the conditions for a retry on another server. scgi_next_upstream has neither http_502
// nor http_504 (ngx_http_scgi_module). Without non_idempotent, a POST is retried only if nothing was sent.
func (o *NginxOptions) passOn() string {
	if len(o.Servers) == 0 {
		return ""
	}
	return fmt.Sprintf(`    # A request goes to another machine if one fails or is full, except a POST that was
    # sent: it may have been executed.
    scgi_next_upstream error timeout http_503;
    scgi_next_upstream_tries %d;
    scgi_next_upstream_timeout %ds;
    scgi_connect_timeout 2s;
    # Detects a machine that is down during a request, after net.ipv4.tcp_keepalive_time.
    scgi_socket_keepalive on;
`, len(o.Servers), waits(o.Timeout)+margin)
}

// passTo is an address in nginx's syntax.
func passTo(address string) string {
	if isPath(address) {
		return "unix:" + address
	}
	return address
}
