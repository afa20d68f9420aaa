package inetd

import (
	"errors"
	"net/netip"
	"strings"
)

// without returns the part of p outside of q.
func without(p, q netip.Prefix) []netip.Prefix {
	if q.Bits() < p.Bits() || !p.Contains(q.Addr()) {
		return []netip.Prefix{p}
	}
	if q == p {
		return nil
	}
	bits := p.Bits() + 1
	half := p.Addr().AsSlice()
	half[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(half)
	return append(without(netip.PrefixFrom(p.Addr(), bits), q), without(netip.PrefixFrom(upper, bits), q)...)
}

func join(list []netip.Prefix) string {
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}

// prefixes reads the addresses of only_from and no_access, and returns the rest as
// names. In 10.1.0.0 the zeros at the end stand for everything; 10.1.{2,3} are two.
func prefixes(words []string) (list []netip.Prefix, names []string) {
	for _, word := range words {
		before, inner, factored := strings.Cut(word, "{")
		for last := range strings.SplitSeq(strings.TrimSuffix(inner, "}"), ",") {
			address := before + last
			p, err := netip.ParsePrefix(address)
			if err != nil {
				p, err = wildcard(address, factored)
			}
			switch {
			case address == "localhost":
				list = append(list, netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128"))
			case err != nil:
				names = append(names, address)
			default:
				list = append(list, p.Masked())
			}
		}
	}
	return list, names
}

func wildcard(address string, factored bool) (netip.Prefix, error) {
	parts := strings.Split(address, ".")
	bits := 32
	if factored {
		bits = 8 * len(parts)
		for len(parts) < 4 {
			parts = append(parts, "0")
		}
		address = strings.Join(parts, ".")
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, errors.New("not an address")
	}
	if !addr.Is4() {
		return addr.Prefix(128)
	}
	for ; !factored && bits > 0 && parts[bits/8-1] == "0"; bits -= 8 {
	}
	return addr.Prefix(bits)
}
