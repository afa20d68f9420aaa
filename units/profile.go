package units

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is the sandbox of an application (systemd.exec(5), Sandboxing); [Options.Hardening] lists its
// directives. Its value is its name.
type Profile string

// The profiles, from the cheapest. [Fast] adds milliseconds to every start, [Strict] tens of milliseconds;
// socketgi-security(7) has the figures.
const (
	// None only removes capabilities and new privileges.
	None Profile = "none"
	// Fast denies system calls, socket families and devices that no web application needs, without a
	// mount namespace.
	Fast Profile = "fast"
	// Strict also hides files, processes, users and devices, and has no network but unix sockets.
	Strict Profile = "strict"
)

// ParseProfile returns the profile with that name; "" is [Fast].
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return Fast, nil
	case None, Fast, Strict:
		return p, nil
	}
	return "", fmt.Errorf("%q is not a profile: expected fast, strict or none", s)
}

// Directives in neither profile, with the reasons:
//   - MemoryDenyWriteExecute=: PyPy and other compilers at run time, callbacks of ctypes
//     and cffi, and interpreters that ask for an executable stack need such memory.
//   - RemoveIPC=: with a user that is not the application's own it takes away what others
//     share.
//   - ProtectKernelTunables=: 20 ms, for files that only root may write to.
//   - ProtectHostname=: what it forbids takes a capability or a system call that is gone.
//   - PrivateTmp=disconnected (systemd 257): a tenth cheaper under strict, but it holds /var/tmp, and so
//     large bodies of requests, in memory; under fast it is a mount namespace more.
//   - SystemCallFilter=@system-service: costs far more to load than a list of what is
//     denied, and breaks untested programs.
var (
	always = []Group{
		{"No capabilities, and none by setuid programs.", []string{"NoNewPrivileges=yes", "CapabilityBoundingSet="}},
	}
	systemCalls = []Group{
		{"System calls that web applications don't need fail with EPERM.", []string{
			"SystemCallArchitectures=native", // the filters are loaded for one architecture, and not for three
			"SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @privileged @raw-io @reboot @resources @swap" +
				// io_uring bypasses the filters.
				" io_uring_setup io_uring_enter io_uring_register",
			"SystemCallErrorNumber=EPERM",
		}},
		{"No namespaces, setuid files, other ABIs or real-time priority.", []string{
			"RestrictNamespaces=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes", "RestrictRealtime=yes",
		}},
		{"No access to the clock and to devices.", []string{"ProtectClock=yes", "DevicePolicy=closed"}},
	}
	internet  = Group{"Only internet and unix sockets.", []string{"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"}}
	noNetwork = Group{"No network, only unix sockets, and those that systemd passes.", []string{
		"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "IPAddressDeny=any"}}
	// Directories instead of the sockets in them: a new socket would be visible again.
	noNames = Group{"No name lookups by services of this machine.", []string{
		"InaccessiblePaths=-/run/systemd/resolve -/run/nscd -/run/avahi-daemon"}}
	hidden = []Group{
		{"Other users appear as nobody.", []string{"PrivateUsers=yes"}},
		{"Files are read-only, except its own; /home and /tmp are empty.", []string{
			"ProtectSystem=strict", "ProtectHome=tmpfs", "PrivateTmp=yes", "PrivateMounts=yes", "UMask=0077"}},
		{"Other processes and control groups are hidden.", []string{
			"ProtectProc=invisible", "ProcSubset=pid", "ProtectControlGroups=yes"}},
		{"No access to the system bus.", []string{"InaccessiblePaths=-/run/dbus"}},
		{"No devices, kernel modules and kernel log.", []string{
			"PrivateDevices=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes"}},
	}
)

// Hardening returns the directives of [Service] for Profile, Network and UserManager.
func (o *Options) Hardening() []Group {
	all := always
	if o.Profile != None {
		all = append(all[:len(all):len(all)], systemCalls...)
		if o.Profile == Strict && !o.Network {
			all = append(all, noNetwork)
		} else {
			all = append(all, internet)
		}
	}
	if o.Profile == Strict {
		all = append(all, hidden...)
		if !o.Network {
			all = append(all, noNames)
		}
	}
	if o.UserManager {
		return unprivileged(all)
	}
	return slices.Clone(all)
}

// needsRoot are directives that need a manager with privileges. In a user's manager the service doesn't
// start (218/CAPABILITIES, 226/NAMESPACE), or they have no effect. Others of Strict work by its
// PrivateUsers=.
var needsRoot = []string{"CapabilityBoundingSet=", "ProtectClock=", "DevicePolicy=", "IPAddressDeny=", "ProtectKernelLogs="}

// unprivileged omits directives that a user's service manager can't set.
func unprivileged(all []Group) (left []Group) {
	for _, h := range all {
		directives := slices.DeleteFunc(slices.Clone(h.Directives), func(d string) bool {
			return slices.ContainsFunc(needsRoot, func(name string) bool { return strings.HasPrefix(d, name) })
		})
		if len(directives) > 0 {
			left = append(left, Group{h.Why, directives})
		}
	}
	return left
}
