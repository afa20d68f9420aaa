package units

import (
	"fmt"
	"slices"
	"strings"
)

// Profile is the sandbox of an application (systemd.exec(5), Sandboxing); [Options.Hardening] lists its
// directives. Its value is its name.
type Profile string

// The profiles, from the cheapest. [Fast] adds milliseconds to every start, [Strict] some tens of them:
// the README of this module has the figures.
const (
	// None takes away capabilities and new privileges, and nothing else.
	None Profile = "none"
	// Fast denies system calls, socket families and devices that no web application needs, without a
	// mount namespace.
	Fast Profile = "fast"
	// Strict also hides files, processes, users and devices, and has no network but unix sockets.
	Strict Profile = "strict"
)

// ParseProfile returns the profile with that name; "" is [Fast]. The error names all three.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return Fast, nil
	case None, Fast, Strict:
		return p, nil
	}
	return "", fmt.Errorf("%q is not a profile: fast, strict or none", s)
}

// Left out of both, and why:
//   - MemoryDenyWriteExecute=: PyPy and other compilers at run time, callbacks of ctypes
//     and cffi, and interpreters that ask for an executable stack need such memory.
//   - RemoveIPC=: with a user that is not the application's own it takes away what others
//     share.
//   - ProtectKernelTunables=: 20 ms, for files that only root may write to.
//   - ProtectHostname=: what it forbids takes a capability or a system call that is gone.
//   - PrivateTmp=disconnected (systemd 257): a tenth cheaper under strict, but it holds /var/tmp, and so
//     large bodies of requests, in memory; under fast it is a mount namespace more.
//   - SystemCallFilter=@system-service: costs far more to load than a list of what is
//     denied, and says no to programs that nobody has tried.
var (
	always = []Group{
		{"No program gives it more privileges, setuid or not.", []string{"NoNewPrivileges=yes", "CapabilityBoundingSet="}},
	}
	systemCalls = []Group{
		{"System calls that no web application needs fail.", []string{
			"SystemCallArchitectures=native", // the filters are loaded for one architecture, and not for three
			"SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @privileged @raw-io @reboot @resources @swap" +
				// Rings make sockets of any family, and more that no filter sees.
				" io_uring_setup io_uring_enter io_uring_register",
			"SystemCallErrorNumber=EPERM",
		}},
		{"Nor does it need containers, setuid files, foreign ABIs or real-time priority.", []string{
			"RestrictNamespaces=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes", "RestrictRealtime=yes",
		}},
		{"The clock and devices are left alone.", []string{"ProtectClock=yes", "DevicePolicy=closed"}},
	}
	internet  = Group{"Sockets of the internet and unix, and no others.", []string{"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"}}
	noNetwork = Group{"No network, only unix sockets. What systemd hands over still works.", []string{
		"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "IPAddressDeny=any"}}
	// Directories instead of the sockets in them: a new socket would be visible again.
	noNames = Group{"Nobody asks other machines for names on its behalf.", []string{
		"InaccessiblePaths=-/run/systemd/resolve -/run/nscd -/run/avahi-daemon"}}
	hidden = []Group{
		{"Other users are nobody to it.", []string{"PrivateUsers=yes"}},
		{"Files are read-only, but for its own; /home and /tmp are empty.", []string{
			"ProtectSystem=strict", "ProtectHome=tmpfs", "PrivateTmp=yes", "PrivateMounts=yes", "UMask=0077"}},
		{"Other processes and control groups are out of sight.", []string{
			"ProtectProc=invisible", "ProcSubset=pid", "ProtectControlGroups=yes"}},
		{"The services of the system bus do nothing for it.", []string{"InaccessiblePaths=-/run/dbus"}},
		{"Devices, kernel modules and the kernel's log are out of sight, too.", []string{
			"PrivateDevices=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes"}},
	}
)

// Hardening lists the directives of [Service] that Profile stands for, with Network and UserManager.
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

// needsRoot are directives that only a manager with privileges can carry out. Without
// them the service doesn't start (218/CAPABILITIES, 226/NAMESPACE), or they do nothing.
// Those of Strict need PrivateUsers=, which it has.
var needsRoot = []string{"CapabilityBoundingSet=", "ProtectClock=", "DevicePolicy=", "IPAddressDeny=", "ProtectKernelLogs="}

// unprivileged leaves out what a user's own systemd can't do.
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
