package inetd

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// listenIP sets the addresses of an IP service; family is 4, 6, or 46 for both.
func (im *Importer) listenIP(e *entry, hosts, service, protocol string, family int) error {
	port, err := im.port(service, protocol)
	if err != nil {
		return err
	}
	for host := range strings.SplitSeq(hosts, ",") {
		address := port // all addresses, IPv6 and IPv4
		if host == "localhost" {
			host = map[int]string{6: "::1"}[family]
			if host == "" {
				host = "127.0.0.1"
			}
		}
		switch addr, err := netip.ParseAddr(strings.Trim(host, "[]")); {
		case host != "*" && (err != nil || addr.Zone() != ""):
			return fmt.Errorf("%q is not an IP address: systemd doesn't resolve names", host)
		case host != "*":
			address = netip.AddrPortFrom(addr, 0).String()
			address = strings.TrimSuffix(address, "0") + port
			if !addr.IsLoopback() && !addr.IsUnspecified() {
				e.inSocket("FreeBind", "yes") // the address may come after the socket
			}
		case family == 4:
			address = "0.0.0.0:" + port
		case family == 6:
			address = "[::]:" + port
		}
		e.addresses = append(e.addresses, address)
	}
	switch family {
	case 6:
		e.inSocket("BindIPv6Only", "ipv6-only")
	case 46:
		e.inSocket("BindIPv6Only", "both")
	}
	return nil
}

func (im *Importer) port(service, protocol string) (string, error) {
	if n, err := strconv.ParseUint(service, 10, 16); err == nil && n > 0 {
		return strconv.FormatUint(n, 10), nil
	}
	for line := range strings.Lines(im.Services) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		port, found := strings.CutSuffix(words[1], "/"+protocol)
		if n, err := strconv.ParseUint(port, 10, 16); !found || err != nil || n == 0 {
			continue
		}
		if words[0] == service || slices.Contains(words[2:], service) {
			return port, nil
		}
	}
	return "", fmt.Errorf("%s/%s is not in /etc/services: use the number of the port", service, protocol)
}
