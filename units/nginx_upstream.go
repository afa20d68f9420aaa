package units

import (
	"fmt"
	"strings"
)

// NginxServer is a place where nginx finds an application that runs on several machines.
type NginxServer struct {
	// Address is HOST:PORT, or the absolute path of a socket of nginx's own machine. nginx looks a
	// name up when it reads its configuration, and doesn't start where it finds none.
	Address string
	// Backup keeps requests from it while one of the others answers.
	Backup bool
}

// upstreamName is what nginx calls the servers of the application.
func upstreamName(name string) string { return "socketgi-" + name }

// NginxUpstream renders the upstream of [NginxOptions.Servers], for the http block of nginx 1.18 or
// later (ngx_http_upstream_module). The error is an [*OptionError].
//
// nginx checks machines by the requests of clients alone: one with 3 failures within 10 seconds gets
// none for 10 seconds, and then one request as a trial. Without the zone each of nginx's workers
// would have to find out by itself.
func NginxUpstream(o NginxOptions) (string, error) {
	if err := o.prepare(); err != nil {
		return "", err
	}
	if len(o.Servers) == 0 {
		return "", optionError("Servers", "an upstream has servers: name one")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# %s: put this beside the server blocks of nginx, into http: /etc/nginx/conf.d is such a place.
upstream %s {
    # What one worker of nginx finds out about a machine counts for all of them.
    zone %[2]s 64k;
    # Three failures within 10 seconds, and a machine is left out for 10 seconds.
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

// checkServers tells why nginx can't have such an upstream.
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
		return optionError("Servers", "a backup is for when another machine fails: name one that isn't a backup")
	}
	return nil
}

// checkServer tells why nginx can't connect there.
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
		return fmt.Errorf("%q is no server: write HOST:PORT, such as 192.0.2.7:9000, [2001:db8::7]:9000 or app1.example.org:9000", s)
	}
	return nil
}

// isHostName tells whether it is a name (RFC 1123, 2.1), and no address.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || strings.ContainsFunc(label, func(c rune) bool { return c >= 0x80 || !isAlphanumeric(byte(c)) && c != '-' }) {
			return false
		}
	}
	return strings.Trim(s, "0123456789.") != ""
}

// passOn renders which requests nginx passes to another server. scgi_next_upstream has no http_502
// and no http_504 (ngx_http_scgi_module). A POST is passed on only where nothing has been sent, as
// non_idempotent is left out.
func (o *NginxOptions) passOn() string {
	if len(o.Servers) == 0 {
		return ""
	}
	return fmt.Sprintf(`    # Requests go to another machine where one doesn't answer, or is full. What may have been
    # done is not done again: a POST that was sent stays the only one, whatever becomes of it.
    scgi_next_upstream error timeout http_503;
    scgi_next_upstream_tries %d;
    scgi_next_upstream_timeout %ds;
    scgi_connect_timeout 2s;
    # Finds a machine that is gone while it works on a request, by net.ipv4.tcp_keepalive_time.
    scgi_socket_keepalive on;
`, len(o.Servers), waits(o.Timeout)+margin)
}

// passTo is an address as nginx writes it.
func passTo(address string) string {
	if isPath(address) {
		return "unix:" + address
	}
	return address
}
