package units

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// This file checks the addresses and users of a pair: a peer can claim to be any user (REMOTE_USER).

// maxPath is the longest path that fits in a sockaddr_un, which ends with a NUL (unix(7)).
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// isPath reports whether listen is a path, not an IP address.
func isPath(listen string) bool { return listen == "" || listen[0] == '/' }

// SeesPeers reports whether the application can and should check the connecting user (SO_PEERCRED,
// unix(7)). An IP address has none; PrivateUsers=, part of [Strict], maps all users but root and its own
// to nobody; and only its owner can connect to the socket of a user's service manager.
func (o *Options) SeesPeers() bool {
	return !o.UserManager && o.Profile != Strict && isPath(o.Listen)
}

// checkListen checks Listen and Allow.
func (o *Options) checkListen() error {
	if o.Listen != "" {
		if err := checkPlace(o.Listen); err != nil {
			return asOption("Listen", err)
		}
	}
	if isPath(o.Listen) {
		if len(o.Allow) > 0 {
			return optionError("Allow", "other machines can't connect to a unix socket: listen at HOST:PORT")
		}
		return nil
	}
	switch listen, _, _ := cutAddress(o.Listen); {
	case listen.IsLoopback() && len(o.Allow) > 0:
		return optionError("Allow", "other machines can't reach %s: omit it, or listen at an address of the network", o.Listen)
	case !listen.IsLoopback() && len(o.Allow) == 0:
		return optionError("Allow", "other machines can reach %s and could claim to be any user: listen at 127.0.0.1 or [::1], "+
			"or allow the address of the web server", o.Listen)
	}
	for _, a := range o.Allow {
		if _, err := parseAllow(a); err != nil {
			return asOption("Allow", err)
		}
	}
	return nil
}

// checkPlace checks an address to listen at.
func checkPlace(s string) error {
	if isPath(s) {
		if len(s) > maxPath {
			return fmt.Errorf("the socket's path %s has %d bytes, but at most %d are possible: choose a shorter one", s, len(s), maxPath)
		}
		return nil
	}
	_, port, err := cutAddress(s)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 {
		return fmt.Errorf("%q is not an address: expected an absolute path, or HOST:PORT such as 127.0.0.1:9000 or [::1]:9000", s)
	}
	return nil
}

// cutAddress splits ADDRESS:PORT; an IPv6 address is in brackets.
func cutAddress(s string) (addr netip.Addr, port string, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return addr, "", errors.New("there is no port")
	}
	host, port := s[:i], s[i+1:]
	inner, brackets := strings.CutPrefix(host, "[")
	if brackets {
		inner, brackets = strings.CutSuffix(inner, "]")
	}
	addr, err = netip.ParseAddr(inner)
	if err == nil && (addr.Is4() == brackets || addr.Zone() != "") {
		err = errors.New("brackets are for IPv6, and zones change")
	}
	return addr, port, err
}

// parseAllow reads ADDRESS or ADDRESS/PREFIXLENGTH.
func parseAllow(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		p, err = addr.Prefix(addr.BitLen())
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("%q is not an address: expected a machine or a network, such as 192.0.2.7 or 192.0.2.0/24", s)
	case p.Bits() == 0:
		return p, fmt.Errorf("%s is every machine, and each could claim to be any user: name the address of the web server", s)
	case p != p.Masked():
		return p, fmt.Errorf("%s is ambiguous: the network is %s, and the machine %s", s, p.Masked(), p.Addr())
	}
	return p, nil
}
