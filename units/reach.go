package units

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// This file says who may talk to an application. Whoever may can say in a request that
// it is anybody (REMOTE_USER).

var errNoPeers = errors.New("which user connects can be told only by socketgi-adapter, at a unix socket, and not under --profile strict, " +
	"which hides other users from it: leave --allow-user out")

// SeesPeers tells whether the adapter can find out which user connects: there is none at
// an IP address, and PrivateUsers=, which Strict has, makes all users but root and the
// application's own look the same. A user's own systemd has a socket that nobody else can
// connect to.
func (o *Options) SeesPeers() bool {
	return o.Adapter && !o.UserManager && o.Profile != Strict && (o.Listen == "" || o.Listen[0] == '/')
}

func (o *Options) allowedUIDs() string {
	var words []string
	for _, uid := range o.AllowUIDs {
		words = append(words, strconv.FormatUint(uint64(uid), 10))
	}
	return strings.Join(words, ",")
}

// checkListen tells why nothing can listen there.
func checkListen(s string) error {
	if s[0] == '/' {
		if len(s) > maxPath {
			return fmt.Errorf("the socket's path %s has %d bytes, and %d fit: say --listen with a shorter one", s, len(s), maxPath)
		}
		return nil
	}
	host, port, _ := cutLast(s, ':')
	n, err := strconv.ParseUint(port, 10, 16)
	if _, addrErr := listenAddress(host); err != nil || n == 0 || addrErr != nil {
		return fmt.Errorf("%q is no place to listen: say an absolute path, or ADDRESS:PORT, such as 127.0.0.1:9000 or [::1]:9000", s)
	}
	return nil
}

// checkReach tells why an application that listens there can't be for the others in
// allow, or needs some.
func checkReach(s string, allow []string) error {
	if s == "" || s[0] == '/' {
		if len(allow) > 0 {
			return errors.New("--allow is for other machines: say --listen ADDRESS:PORT, too")
		}
		return nil
	}
	host, _, _ := cutLast(s, ':')
	switch listen, _ := listenAddress(host); {
	case listen.IsLoopback() && len(allow) > 0:
		return fmt.Errorf("no other machine can reach %s: leave --allow out, or listen at an address of the network", s)
	case !listen.IsLoopback() && len(allow) == 0:
		return fmt.Errorf("%s can be reached by others, who could claim to be any user: listen at 127.0.0.1 or [::1], "+
			"or say with --allow ADDRESS which other machine is the web server", s)
	}
	for _, a := range allow {
		if _, err := parseAllow(a); err != nil {
			return err
		}
	}
	return nil
}

// listenAddress reads the address in front of a port; one with colons stands in brackets.
func listenAddress(host string) (netip.Addr, error) {
	inner, brackets := strings.CutPrefix(host, "[")
	if brackets {
		inner, brackets = strings.CutSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(inner)
	if err == nil && (addr.Is4() == brackets || addr.Zone() != "") {
		err = errors.New("brackets are for IPv6, and zones change")
	}
	return addr, err
}

// parseAllow reads ADDRESS or ADDRESS/PREFIXLENGTH.
func parseAllow(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		p, err = addr.Prefix(addr.BitLen())
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("--allow %s: write the address of a machine or of a network, such as 192.0.2.7 or 192.0.2.0/24", s)
	case p.Bits() == 0:
		return p, fmt.Errorf("--allow %s is everybody, who could claim to be any user: say which machine is the web server", s)
	case p != p.Masked():
		return p, fmt.Errorf("--allow %s: the network is %s, and the machine %s", s, p.Masked(), p.Addr())
	}
	return p, nil
}

// addresses writes down from where packets may come. It stands in the socket unit, and
// there alone: the list of a service is not for sockets that systemd hands over
// (systemd.resource-control(5), IPAddressAllow=), and would cut off the application's own
// connections.
func (o *Options) addresses(b *strings.Builder) {
	host, _, _ := cutLast(o.Listen, ':')
	listen, _ := listenAddress(host)
	var from []string
	if !listen.IsLoopback() && !listen.IsUnspecified() {
		b.WriteString("# Also before the network is up.\nFreeBind=yes\n")
		from = append(from, listen.String()) // so this machine calls itself there
	}
	for _, a := range o.Allow {
		if p, err := parseAllow(a); err == nil {
			from = append(from, strings.TrimSuffix(p.String(), fmt.Sprintf("/%d", p.Addr().BitLen())))
		}
	}
	b.WriteString("# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=" + strings.Join(append([]string{"localhost"}, from...), " ") + "\n")
}
