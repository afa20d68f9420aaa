package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tunnel is the machine of nginx, and one with the application, which listens only behind an encrypted
// tunnel.
type tunnel struct {
	*site
	net  *machine.Network
	peer *machine.Machine
}

// manualLines returns the lines below the comment of an example in the manual, for the machines of these
// tests.
func manualLines(t *testing.T, example string) (lines string) {
	t.Helper()
	page, err := os.ReadFile("../../cmd/internal/manual/socketgi-webservers.7.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "<!-- example: "+example+" -->\n\n")
	require.True(t, found, example)
	for line := range strings.Lines(rest) {
		line, indented := strings.CutPrefix(line, "    ")
		if !indented {
			break
		}
		lines += line
	}
	return strings.ReplaceAll(lines, "192.0.2.", "198.51.100.")
}

func newTunnel(t *testing.T) *tunnel {
	s := &tunnel{site: newSite(t, networkPackages...), net: machine.NewNetwork(t), peer: machine.Boot(t, networkPackages...)}
	s.net.Connect(s.Machine, webAddress)
	s.net.Connect(s.peer, firstAddress)
	s.peer.Run("rm", "-f", "/var/lib/man-db/auto-update")
	s.peer.Install(makePackage(t, "deb", "0.1.0"), "/root/socketgi.deb", 0o644)
	s.peer.Run("dpkg", "-i", "/root/socketgi.deb")
	s.peer.Install("testdata/orders.py", "/srv/shop/orders.py", 0o644)
	return s
}

// add sets up the application on its machine.
func (s *tunnel) add(flags ...string) {
	s.t.Helper()
	s.peer.Run("socketgi", append([]string{"add", "shop", "/srv/shop/orders.py", "--python", "/usr/bin/python3", "--user", "www-data", "--state", "--now"}, flags...)...)
}

// passTo makes nginx pass requests to servers.
func (s *tunnel) passTo(servers ...string) {
	s.t.Helper()
	for file, part := range map[string]string{"/etc/nginx/conf.d/shop.conf": "upstream", "/etc/nginx/apps/shop.conf": "location"} {
		out, err := s.Command("/usr/local/bin/socketgi", append([]string{"nginx", "shop", "--part", part}, servers...)...).Output()
		require.NoError(s.t, err)
		s.Write(file, string(out))
	}
	s.restartNginx()
}

// answers waits until requests succeed, including one whose body is larger than a buffer.
func (s *tunnel) answers() {
	s.t.Helper()
	s.Wait("the tunnel", func() error {
		if got := s.get("/?first"); got.StatusCode != 200 {
			return errors.New(got.Status)
		}
		return nil
	})
	for i := range 20 {
		got := s.do("POST", fmt.Sprint("/?order", i), strings.NewReader(strings.Repeat("x", 500_000)))
		assert.Equal(s.t, 200, got.StatusCode)
		assert.Equal(s.t, fmt.Sprint("order", i), got.body)
	}
}

// TestStunnel passes requests through TLS, with the lines of the manual.
func TestStunnel(t *testing.T) {
	s := newTunnel(t)
	for _, m := range []*machine.Machine{s.Machine, s.peer} {
		m.Run("sh", "-c", manualLines(t, "stunnel: a certificate"))
	}
	s.peer.Install(s.Path("/etc/stunnel/own.pem"), "/etc/stunnel/web.pem", 0o644)
	s.Install(s.peer.Path("/etc/stunnel/own.pem"), "/etc/stunnel/shop.pem", 0o644)
	s.peer.Write("/etc/stunnel/shop.conf", manualLines(t, "stunnel: the application's machine"))
	s.Write("/etc/stunnel/shop.conf", manualLines(t, "stunnel: nginx's machine"))
	s.add("--allow-user", "stunnel4")
	s.peer.Run("systemctl", "start", "stunnel@shop")
	s.Run("systemctl", "start", "stunnel@shop")
	s.passTo("--server", "127.0.0.1:9001")
	s.answers()
	// Other certificates are refused.
	s.Run("sh", "-c", manualLines(t, "stunnel: a certificate"))
	s.Run("systemctl", "restart", "stunnel@shop")
	s.Wait("it to be refused", func() error {
		if got := s.get("/?stranger"); got.StatusCode != 502 {
			return errors.New(got.Status)
		}
		return nil
	})
	assert.NotContains(t, s.peer.Run("cat", "/var/lib/shop/requests"), "stranger")
}

// TestWireGuard passes requests through a tunnel of WireGuard, with the lines of the manual. It uses a
// program if the kernel has no WireGuard.
func TestWireGuard(t *testing.T) {
	s := newTunnel(t)
	key := map[*machine.Machine]string{}
	for _, m := range []*machine.Machine{s.Machine, s.peer} {
		m.Run("sh", "-c", "[ -e /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; }")
		m.Run("sh", "-c", "umask 077 && wg genkey > /etc/wireguard/wg0.key")
		key[m] = strings.TrimSpace(m.Run("sh", "-c", "wg pubkey < /etc/wireguard/wg0.key"))
	}
	s.peer.Write("/etc/wireguard/wg0.conf", strings.ReplaceAll(manualLines(t, "WireGuard: the application's machine"), "KEY-OF-WEB", key[s.Machine]))
	s.Write("/etc/wireguard/wg0.conf", strings.ReplaceAll(manualLines(t, "WireGuard: nginx's machine"), "KEY-OF-SHOP", key[s.peer]))
	for _, m := range []*machine.Machine{s.peer, s.Machine} {
		m.Run("systemctl", "start", "wg-quick@wg0")
	}
	s.add("--listen", "10.8.0.11:9000", "--allow", "10.8.0.1")
	s.passTo("--server", "10.8.0.11:9000")
	s.answers()
}
