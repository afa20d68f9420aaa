package inetd

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// These values are passed to systemd unchanged.
var (
	limitValue   = regexp.MustCompile(`^(-?[0-9]+[kKmM]?|UNLIMITED)$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// xinetdService makes an entry of a service.
func (im *Importer) xinetdService(e *entry, s *section) error {
	value := func(key string) string {
		values, found := s.attributes[key]
		if !found {
			values = im.defaults.attributes[key]
		}
		return strings.Join(values, " ")
	}
	has := func(key, word string) bool { return slices.Contains(s.attributes[key], word) }
	id := s.name
	if own := value("id"); own != "" {
		id, e.label = own, own
	}
	enabled, some := im.defaults.attributes["enabled"]
	switch {
	case value("disable") == "yes" || has("flags", "DISABLE") || slices.Contains(im.defaults.attributes["disabled"], id) || some && !slices.Contains(enabled, id):
		return cantError("it is disabled")
	case has("type", "INTERNAL") || has("flags", "SENSOR"):
		return cantError("this was internal to xinetd; systemd has no such service")
	case has("type", "RPC"):
		return cantError("systemd doesn't register with rpcbind")
	case has("type", "TCPMUX") || has("type", "TCPMUXPLUS"):
		return cantError("systemd has no TCPMUX")
	case value("redirect") != "":
		return cantError("connections are redirected to " + value("redirect") + ": use systemd-socket-proxyd(8)")
	}
	if err := im.xinetdListen(e, s, value); err != nil {
		return err
	}
	e.wait, e.user, e.program = value("wait") == "yes", value("user"), value("server")
	if wait := value("wait"); wait != "yes" && wait != "no" {
		return fmt.Errorf("wait = %q: expected yes or no", wait)
	}
	e.argv = s.attributes["server_args"]
	if !has("flags", "NAMEINARGS") {
		e.argv = append([]string{path.Base(e.program)}, e.argv...)
	}
	if e.kind == "dgram" && !e.wait {
		e.wait = true
		e.note("wait = no: the program gets the socket itself; the next one starts after it has ended")
	}
	if err := e.xinetdLimits(value); err != nil {
		return err
	}
	e.xinetdAccess(s)
	return e.xinetdProcess(s, value)
}

// xinetdListen sets the addresses of a service, by default all IPv6 and IPv4 addresses.
func (im *Importer) xinetdListen(e *entry, s *section, value func(string) string) error {
	protocol := value("protocol")
	if e.kind = value("socket_type"); e.kind == "" {
		e.kind = map[string]string{"tcp": "stream", "udp": "dgram"}[protocol]
	}
	if protocol == "" {
		protocol = map[string]string{"stream": "tcp", "dgram": "udp"}[e.kind]
	}
	if e.kind+protocol != "streamtcp" && e.kind+protocol != "dgramudp" {
		return cantError(fmt.Sprintf("systemd doesn't listen on %s sockets of protocol %q", e.kind, protocol))
	}
	family := 0
	for _, flag := range s.attributes["flags"] {
		switch flag {
		case "IPv4":
			family = 4
		case "IPv6":
			family = 46
		case "KEEPALIVE":
			e.inSocket("KeepAlive", "yes")
		case "NODELAY":
			e.inSocket("NoDelay", "yes")
		case "LABELED":
			e.inSocket("SELinuxContextFromNet", "yes")
		case "NAMEINARGS", "REUSE", "NORETRY", "NOLIBWRAP": // done, or how systemd is anyway
		default:
			e.note("flag %s: not supported by systemd", flag)
		}
	}
	if value("v6only") == "yes" {
		family = 6
	}
	host, port := value("bind"), value("port")
	if host == "" {
		host = "*"
	}
	if port == "" {
		port = s.name
	}
	return im.listenIP(e, host, port, protocol, family)
}

// xinetdLimits sets the limits of connections.
func (e *entry) xinetdLimits(value func(string) string) error {
	cps := strings.Fields(value("cps"))
	limits := []string{value("instances"), value("per_source"), ""}
	if len(cps) > 0 {
		limits[2] = cps[0]
	}
	for i, v := range limits {
		if n, err := strconv.ParseUint(v, 10, 31); v == "" || v == "UNLIMITED" {
			limits[i] = ""
		} else if err != nil || n == 0 {
			return fmt.Errorf("%s is not a limit for connections", v)
		}
	}
	if !e.wait {
		e.max, _ = strconv.Atoi(limits[0])
	}
	if !e.wait && limits[1] != "" {
		e.inSocket("MaxConnectionsPerSource", limits[1])
	}
	if limits[2] != "" {
		e.inSocket("TriggerLimitIntervalSec", "1s")
		e.inSocket("TriggerLimitBurst", cps[0])
		e.note("cps = %s: after more connections in a second the socket stops until it is started again; xinetd paused", value("cps"))
	}
	return nil
}

// xinetdProcess sets resource limits and the environment.
func (e *entry) xinetdProcess(s *section, value func(string) string) error {
	for _, key := range slices.Sorted(maps.Keys(xinetdAttributes)) {
		name, found := strings.CutSuffix(xinetdAttributes[key], "=")
		v := value(key)
		switch {
		case !found || v == "":
		case key == "group":
			e.inService(name, v)
		case !limitValue.MatchString(v):
			return fmt.Errorf("%s = %s is not a number", key, v)
		case v == "UNLIMITED":
			e.inService(name, "infinity")
		default:
			e.inService(name, strings.ToUpper(v))
		}
	}
	var env []string
	for _, v := range s.attributes["env"] {
		name, _, found := strings.Cut(v, "=")
		if !found || !variableName.MatchString(name) {
			return fmt.Errorf("env = %s is not NAME=VALUE", v)
		}
		env = append(env, syntax.Quote(v))
	}
	if len(env) > 0 {
		e.inService("Environment", strings.Join(env, " "))
	}
	for _, v := range s.attributes["passenv"] {
		if !variableName.MatchString(v) {
			return fmt.Errorf("passenv = %s is not the name of a variable", v)
		}
	}
	if pass := s.attributes["passenv"]; len(pass) > 0 {
		e.inService("PassEnvironment", strings.Join(pass, " "))
	}
	return nil
}

// xinetdAccess sets the filter of addresses. In xinetd the most specific entry decides; in systemd any
// IPAddressAllow= does, which is why no_access is subtracted from only_from.
func (e *entry) xinetdAccess(s *section) {
	only, limited := s.attributes["only_from"]
	allow, names := prefixes(only)
	if len(names) > 0 {
		e.note("only_from = %s: systemd filters addresses, not names; these may not connect", strings.Join(names, " "))
	}
	deny, names := prefixes(s.attributes["no_access"])
	if len(names) > 0 {
		e.note("no_access = %s: systemd filters addresses, not names; these may connect", strings.Join(names, " "))
	}
	if !limited {
		if len(deny) > 0 {
			e.inSocket("IPAddressDeny", join(deny))
		}
		return
	}
	for _, d := range deny {
		var rest []netip.Prefix
		for _, a := range allow {
			rest = append(rest, without(a, d)...)
		}
		allow = rest
	}
	e.note("only_from: IPAddressAllow= has no effect on kernels without BPF for control groups; systemd then logs that")
	e.inSocket("IPAddressDeny", "any")
	if len(allow) > 0 {
		e.inSocket("IPAddressAllow", join(allow))
	}
}
