package units

import (
	"fmt"
	"slices"
	"strings"
)

// service renders the service of a pair, or of a check.
func (o *Options) service() string {
	var b strings.Builder
	switch {
	case o.checkOutput != "":
		fmt.Fprintf(&b, `# %[1]s@check.service: tries out whether %[1]s can be loaded.
[Unit]
Description=%[1]s: can it be loaded?
DefaultDependencies=no

[Service]
Type=oneshot
# What it leaves is there until it is stopped.
RemainAfterExit=yes
StandardOutput=file:%[2]s
StandardError=file:%[2]s
`, o.Name, escape(o.checkOutput))
	case o.Warm:
		fmt.Fprintf(&b, `# %[1]s.service: started by %[1]s.socket.
[Unit]
Description=%[1]s: web application
Requires=%[1]s.socket
After=%[1]s.socket
# However often it is started, the socket stays.
StartLimitIntervalSec=0

[Service]
Type=notify
# One that can't start, or dies, is tried again in a while: the connection that waits
# would start it at once, again and again.
Restart=on-failure
RestartSec=1s
%[2]s`, o.Name, since(o.SystemdVersion, 254, "RestartSteps=5\nRestartMaxDelaySec=10s\n"))
	default:
		fmt.Fprintf(&b, `# %[1]s@.service: one request of %[1]s.
[Unit]
Description=%[1]s: one request
# A request that failed leaves nothing behind that counts as a connection.
CollectMode=inactive-or-failed
# The socket is ordered after what a request needs; without its own
# dependencies each start is cheaper.
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
`, o.Name)
	}
	fmt.Fprintf(&b, "ExecStart=%s\nWorkingDirectory=%s\n", command(o.command()), escape(o.WorkingDirectory))
	switch {
	case o.UserManager:
	case o.User != "":
		fmt.Fprintf(&b, "User=%s\n", o.User)
	default:
		b.WriteString("# A user that exists only while it runs.\nDynamicUser=yes\n")
	}
	for _, e := range o.Env {
		fmt.Fprintf(&b, "Environment=%s\n", quote(escape(e)))
	}
	o.hardening(&b)
	if o.State {
		fmt.Fprintf(&b, "StateDirectory=%s\nStateDirectoryMode=0700\n", o.Name)
	}
	o.directories(&b)
	if o.Adapter {
		b.WriteString("# When memory runs out the application is killed; the adapter lives to say so.\nOOMPolicy=continue\n")
	}
	if o.checkOutput != "" {
		return b.String()
	}
	if o.Adapter && o.Warm {
		b.WriteString("# Requests that are being answered are waited for.\nKillMode=mixed\n")
	}
	if o.Code && o.Warm {
		fmt.Fprintf(&b, "# Loads the application again, beside the old one; fails where it can't be loaded.\nExecReload=%s --ask-reload $MAINPID\n", command(o.Exec[:1]))
	}
	if o.Adapter && o.Warm {
		b.WriteString("# Each request is a record, and journald drops none. What floods is standard error: the adapter limits that.\nLogRateLimitIntervalSec=0\n")
	}
	b.WriteString("TimeoutStopSec=10\n")
	switch {
	case o.Limits != Limits{}:
		fmt.Fprintf(&b, "Slice=%s\n", SliceName(o.Name))
	case !o.Warm && !o.UserManager:
		b.WriteString("Slice=system.slice\n")
	}
	if !o.Warm {
		b.WriteString(`# systemd's own two lines for every request are left out.
LogLevelMax=notice
SyslogLevel=notice
`)
	}
	fmt.Fprintf(&b, "\n[X-Socketgi]\nApplication=%s\n", escape(o.App))
	if o.Mount != "" {
		fmt.Fprintf(&b, "Mount=%s\n", o.Mount)
	}
	return b.String()
}

// command returns what the service runs.
func (o *Options) command() []string {
	if !o.Adapter {
		return o.Exec
	}
	var flags []string
	switch {
	case o.checkOutput != "" && o.Code && !o.UserManager:
		flags = []string{"--check", "--cache", CheckPath(o.Name)}
	case o.checkOutput != "":
		flags = []string{"--check"}
	case o.Code && !o.UserManager:
		flags = []string{"--cache", CachePath(o.Name)}
	}
	if o.checkOutput == "" && len(o.AllowUIDs) > 0 {
		flags = append(flags, "--allow-uid", o.allowedUIDs())
	}
	return slices.Concat(o.Exec[:1], flags, o.Exec[1:])
}

// directories writes down what systemd makes for the adapter.
func (o *Options) directories(b *strings.Builder) {
	switch {
	case !o.Adapter:
		return
	case o.Code && o.UserManager:
		fmt.Fprintf(b, "# Cached code.\nCacheDirectory=socketgi/%s\nCacheDirectoryMode=0700\n", o.Name)
	}
	switch {
	case o.checkOutput != "":
		fmt.Fprintf(b, "RuntimeDirectory=%s\nRuntimeDirectoryMode=0700\n", checkDirectory(o.Name))
	case !o.Warm:
		fmt.Fprintf(b, `# The locks of --concurrency.
RuntimeDirectory=%s
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
`, runtimeDirectory(o.Name))
	}
}
