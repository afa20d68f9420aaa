package machine

import (
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Network is a switch to which machines are connected by cables, with addresses of their own.
type Network struct {
	t testing.TB
	// ns is the network namespace of the switch. Nothing else holds it: it is gone, with the switch and all
	// cables, once this is closed or the test's process has ended, however that was.
	ns    *os.File
	ports map[*Machine]string
}

// NewNetwork makes a network that is taken down with the test.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	Need(t)
	n := &Network{t: t, ports: map[*Machine]string{}}
	done := make(chan error)
	go func() {
		// The thread stays in the new namespace, and so ends with the goroutine.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.ns, err = os.Open("/proc/thread-self/ns/net")
		}
		done <- err
	}()
	require.NoError(t, <-done)
	t.Cleanup(func() { n.ns.Close() })
	n.ip("link", "add", "switch", "type", "bridge")
	n.ip("link", "set", "switch", "up")
	return n
}

// ip runs ip(8) in the namespace of the switch.
func (n *Network) ip(arg ...string) {
	n.t.Helper()
	cmd := exec.Command("nsenter", append([]string{"--net=/proc/self/fd/3", "ip"}, arg...)...)
	cmd.ExtraFiles = []*os.File{n.ns}
	out, err := cmd.CombinedOutput()
	require.NoError(n.t, err, "ip %v: %s", arg, out)
}

// Connect gives a machine a cable to the switch, and an address of 198.51.100.0/24.
func (n *Network) Connect(m *Machine, address string) {
	n.t.Helper()
	port := "port" + strconv.Itoa(len(n.ports))
	n.ports[m] = port
	n.ip("link", "add", port, "type", "veth", "peer", "name", "host0", "netns", strconv.Itoa(m.Leader))
	n.ip("link", "set", port, "master", "switch", "up")
	m.Run("ip", "link", "set", "lo", "up")
	m.Run("ip", "address", "add", netip.MustParseAddr(address).String()+"/24", "dev", "host0")
	m.Run("ip", "link", "set", "host0", "up")
}

// Cut has the switch drop all packets from and to a machine, which sees its cable still connected.
func (n *Network) Cut(m *Machine) { n.ip("link", "set", n.ports[m], "nomaster") }

// Mend undoes Cut.
func (n *Network) Mend(m *Machine) { n.ip("link", "set", n.ports[m], "master", "switch") }
