package units

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Profile is a sandbox: how much of the machine an application is kept from.
type Profile string

// The profiles, from the cheapest. A start under Fast costs milliseconds, under Strict
// some tens of them: the README has the figures, make bench-hardening measures them.
const (
	// None takes away capabilities and new privileges, and nothing else.
	None Profile = "none"
	// Fast is what hardens without a mount namespace.
	Fast Profile = "fast"
	// Strict hides files, processes and devices, and has no network.
	Strict Profile = "strict"
)

// ParseProfile tells which profile is called so; "" is [Fast]. The error names all three.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case "":
		return Fast, nil
	case None, Fast, Strict:
		return p, nil
	}
	return "", fmt.Errorf("%q is not a profile: fast, strict or none", s)
}

// Hardening is a group of directives with one purpose.
type Hardening struct {
	// Why is a line of comment.
	Why string
	// Directives are lines of [Service], such as NoNewPrivileges=yes.
	Directives []string
}

// Left out of both, and why:
//   - MemoryDenyWriteExecute=: PyPy and other compilers at run time, callbacks of ctypes
//     and cffi, and interpreters that ask for an executable stack need such memory.
//   - RemoveIPC=: with a user that is not the application's own it takes away what others
//     share.
//   - ProtectKernelTunables=: 20 ms, for files that only root may write to.
//   - ProtectHostname=: what it forbids takes a capability or a system call that is gone.
//   - SystemCallFilter=@system-service: costs far more to load than a list of what is
//     denied, and says no to programs that nobody has tried.
var (
	always = []Hardening{
		{"No program gives it more privileges, setuid or not.", []string{"NoNewPrivileges=yes", "CapabilityBoundingSet="}},
	}
	systemCalls = []Hardening{
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
	internet  = Hardening{"Sockets of the internet and unix, and no others.", []string{"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"}}
	noNetwork = Hardening{"No network, only unix sockets. What systemd hands over still works.", []string{
		"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes", "IPAddressDeny=any"}}
	// Folders, and not the sockets in them: one that is made anew would be seen again.
	noNames = Hardening{"Nobody asks other machines for names on its behalf.", []string{
		"InaccessiblePaths=-/run/systemd/resolve -/run/nscd -/run/avahi-daemon"}}
	hidden = []Hardening{
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

// Hardening returns the directives of the profile; with network true Strict has it, too.
func (p Profile) Hardening(network bool) []Hardening {
	all := always
	if p == None {
		return all
	}
	all = append(all[:len(all):len(all)], systemCalls...)
	if p != Strict || network {
		all = append(all, internet)
	} else {
		all = append(all, noNetwork)
	}
	if p == Strict {
		all = append(all, hidden...)
		if !network {
			all = append(all, noNames)
		}
	}
	return all
}

// needsRoot are directives that only a manager with privileges can carry out. Without
// them the service doesn't start (218/CAPABILITIES, 226/NAMESPACE), or they do nothing.
// Those of Strict need PrivateUsers=, which it has.
var needsRoot = []string{"CapabilityBoundingSet=", "ProtectClock=", "DevicePolicy=", "IPAddressDeny=", "ProtectKernelLogs="}

// unprivileged leaves out what a user's own systemd can't do.
func unprivileged(all []Hardening) (left []Hardening) {
	for _, h := range all {
		directives := slices.DeleteFunc(slices.Clone(h.Directives), func(d string) bool {
			return slices.ContainsFunc(needsRoot, func(name string) bool { return strings.HasPrefix(d, name) })
		})
		if len(directives) > 0 {
			left = append(left, Hardening{h.Why, directives})
		}
	}
	return left
}

// hides lists the folders that an application has, but not what is in them.
// DynamicUser= implies PrivateTmp=.
func (o *Options) hides() (folders []string) {
	if o.Profile == Strict {
		folders = append(folders, "/home", "/root", "/run/user")
	}
	if o.Profile == Strict || o.User == "" && !o.UserManager {
		folders = append(folders, "/tmp", "/var/tmp")
	}
	return folders
}

// Shown lists what is of the application and would be hidden from it. systemd looks its names up
// anew, with root's rights, whenever the service is started: Reads has to have a folder above those
// that somebody else can put a link in the place of.
func (o *Options) Shown() (paths []string) { return o.shown() }

// shown lists what is of the application and would be hidden from it, without what
// lies below another one of them.
func (o *Options) shown() (paths []string) {
	all := append([]string{o.WorkingDirectory, o.Exec[0]}, o.Reads...)
	for _, folder := range o.hides() {
	next:
		for i, p := range all {
			if p = path.Clean(p); !below(p, folder) {
				continue
			}
			for j, other := range all {
				if other = path.Clean(other); below(other, folder) && (below(p, other) || p == other && j < i) {
					continue next
				}
			}
			paths = append(paths, p)
		}
	}
	return paths
}

func below(p, folder string) bool { return strings.HasPrefix(p, folder+"/") }

// hardening writes the profile down.
func (o *Options) hardening(b *strings.Builder) {
	groups := o.Profile.Hardening(o.Network)
	if o.UserManager {
		groups = unprivileged(groups)
	}
	for _, h := range groups {
		fmt.Fprintf(b, "# %s\n%s\n", h.Why, strings.Join(h.Directives, "\n"))
	}
	if shown := o.shown(); len(shown) > 0 {
		b.WriteString("# Its own files lie where others are hidden from it:\n")
		for _, p := range shown {
			fmt.Fprintf(b, "BindReadOnlyPaths=%s\n", quotePath(escape(p)))
		}
	}
}

// quotePath protects blanks and colons, which mean something else between paths
// (systemd.exec(5), BindPaths=). Quotation marks are refused before.
func quotePath(s string) string {
	if !strings.ContainsAny(s, " \t:") {
		return s
	}
	return `"` + s + `"`
}
