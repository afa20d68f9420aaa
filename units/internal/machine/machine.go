// Package machine boots a real systemd for a test, in half a second: PID 1 with journald and
// D-Bus in a container over a throw-away copy of an image (Image). It needs root,
// systemd-nspawn, and mmdebstrap for the image.
package machine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Deadline bounds each wait for a condition.
const Deadline = 30 * time.Second

// setup makes the file system and becomes systemd-nspawn. All mounts live in a
// mount namespace of their own, so they are gone when the last process is,
// however the test ended. Generators (systemd.generator(7)) find nothing to do in a container, and
// took an eighth of the time of tests: each reload starts a dozen.
const setup = `set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
rm -r "$1/root/usr/lib/systemd/system-generators"
cat > "$1/root/etc/systemd/system/machine.target" <<EOF
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
EOF
root=$1/root name=$3
shift 3
for group; do echo $$ > "$group/cgroup.procs"; done
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --boot --private-network --notify-ready=yes \
	--machine="$name" --console=pipe --setenv=container=nspawn systemd.unit=machine.target
`

// Machine is a booted systemd.
type Machine struct {
	t testing.TB
	// Leader is the process id of its PID 1.
	Leader int
	nspawn *exec.Cmd
	output output
}

// output is what nspawn printed, which may go on while it is read.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// Need skips a test that can't boot a machine here, and says why; where CI=true
// it fails.
func Need(t testing.TB) {
	t.Helper()
	missing := ""
	if os.Geteuid() != 0 {
		missing = "only root can boot a systemd"
	} else if _, err := exec.LookPath("systemd-nspawn"); err != nil {
		missing = "systemd-nspawn is not installed (Debian: systemd-container)"
	} else if _, err := image(); err != nil {
		missing = "there is no image to boot: " + err.Error()
	}
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}

// image is the image that this process boots.
var image = sync.OnceValues(func() (string, error) { return Image(Suite()) })

// Boot boots a machine, with more packages than all tests need, that is taken down with the test.
func Boot(t testing.TB, more ...string) *Machine {
	t.Helper()
	Need(t)
	lower, err := image()
	if len(more) > 0 {
		lower, err = Image(Suite(), more...)
	}
	require.NoError(t, err)
	dir := t.TempDir()
	m := &Machine{t: t}
	name := "socketgi-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano()%1e6, 36)
	m.nspawn = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", setup, "sh", dir, lower, name)
	m.nspawn.Args = append(m.nspawn.Args, m.groups(name)...)
	m.nspawn.Stdout, m.nspawn.Stderr = &m.output, &m.output
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@" + name, Net: "unixgram"})
	require.NoError(t, err)
	defer ready.Close()
	m.nspawn.Env = append(os.Environ(), "NOTIFY_SOCKET=@"+name)
	// A test that is killed has it shut down (SIGTERM, systemd-nspawn(1)): the signal comes when the thread ends that has started
	// it, so that is one of its own.
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	started, stopped := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		started <- m.nspawn.Start()
		<-stopped
	}()
	err = <-started
	t.Cleanup(func() { close(stopped) })
	require.NoError(t, err)
	t.Cleanup(m.stop)
	require.NoError(t, ready.SetReadDeadline(time.Now().Add(Deadline)))
	for message := make([]byte, 4096); m.Leader == 0; {
		n, err := ready.Read(message)
		require.NoError(t, err, "waiting for systemd to boot: %s", &m.output)
		if slices.Contains(strings.Split(string(message[:n]), "\n"), "READY=1") { // sd_notify(3)
			m.Leader = child(m.nspawn.Process.Pid)
		}
	}
	m.Run("systemctl", "is-active", "machine.target")
	return m
}

// child returns the only child of a process that runs systemd, 0 if there is none.
func child(pid int) int {
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, f := range strings.Fields(string(list)) {
		if comm, _ := os.ReadFile("/proc/" + f + "/comm"); strings.TrimSpace(string(comm)) == "systemd" {
			n, _ := strconv.Atoi(f)
			return n
		}
	}
	return 0
}

// stop takes the machine down: in order when it can, by force when it can't.
func (m *Machine) stop() {
	if m.t.Failed() && m.Leader != 0 {
		log, _ := m.Try("journalctl", "--no-pager", "-n", "150", "-o", "short-monotonic")
		m.t.Logf("the machine's journal:\n%s", log)
	}
	done := make(chan error, 1)
	go func() { done <- m.nspawn.Wait() }()
	if m.Leader != 0 {
		_, _ = m.Try("systemctl", "poweroff", "--force")
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		if m.Leader != 0 {
			_ = syscall.Kill(m.Leader, syscall.SIGKILL)
		}
		_ = syscall.Kill(-m.nspawn.Process.Pid, syscall.SIGKILL)
		<-done
	}
}

// Wait waits until the condition holds. It checks less often the longer that takes: a check is
// a process or more.
func (m *Machine) Wait(what string, condition func() error) {
	m.t.Helper()
	var err error
	for began := time.Now(); time.Since(began) < Deadline; time.Sleep(min(2*time.Millisecond+time.Since(began)/8, 50*time.Millisecond)) {
		if err = condition(); err == nil {
			return
		}
	}
	m.t.Fatalf("waiting for %s: %v\n%s", what, err, m.output.String())
}

// Command prepares a command that runs inside.
func (m *Machine) Command(name string, arg ...string) *exec.Cmd {
	args := append([]string{"-t", strconv.Itoa(m.Leader), "-a", "--", name}, arg...)
	cmd := exec.Command("nsenter", args...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
		"SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	return cmd
}

// Try runs a command inside and returns its output.
func (m *Machine) Try(name string, arg ...string) (string, error) {
	out, err := m.Command(name, arg...).CombinedOutput()
	return string(out), err
}

// Run runs a command inside, which must succeed, and returns its output.
func (m *Machine) Run(name string, arg ...string) string {
	m.t.Helper()
	out, err := m.Try(name, arg...)
	require.NoError(m.t, err, "%s %s:\n%s", name, strings.Join(arg, " "), out)
	return out
}

// Path returns where a file of the machine is seen from outside.
func (m *Machine) Path(path string) string {
	return filepath.Join("/proc", strconv.Itoa(m.Leader), "root", path)
}

// Write writes a file inside, with its folders, readable by all.
func (m *Machine) Write(path, content string) {
	m.t.Helper()
	full := m.Path(path)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(m.t, os.WriteFile(full, []byte(content), 0o644))
}

// Install copies a program or a file of this machine inside.
func (m *Machine) Install(from, to string, mode os.FileMode) {
	m.t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(m.t, err)
	full := m.Path(to)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(m.t, os.WriteFile(full, data, mode))
	require.NoError(m.t, os.Chmod(full, mode))
}

// Dial connects inside by TCP, whose network is the machine's own, from the address
// that from names.
func (m *Machine) Dial(from, to string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread stays in the other network, and so ends with the goroutine.
		runtime.LockOSThread()
		var ns *os.File
		if ns, err = os.Open(filepath.Join("/proc", strconv.Itoa(m.Leader), "ns/net")); err != nil {
			return
		}
		defer ns.Close()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: Deadline}
		conn, err = d.Dial("tcp", to)
	}()
	<-done
	return conn, err
}

// Client returns an HTTP client that connects to a unix socket inside, whatever
// host a URL names. It follows no redirects.
func (m *Machine) Client(socket string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", m.Path(socket))
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       Deadline * 2,
	}
}
