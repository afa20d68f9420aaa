package units

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckListen(t *testing.T) {
	for s, allow := range map[string]string{
		"/run/a.sock": "", "127.0.0.1:9000": "", "127.0.0.2:9000": "", "[::1]:9000": "",
		"192.0.2.1:80": "192.0.2.2", "0.0.0.0:9000": "192.0.2.0/24", "[::]:9000": "2001:db8::1", "[2001:db8::2]:9": "2001:db8::/32",
	} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Listen: s, Allow: strings.Fields(allow)})
		assert.NoError(t, err, s)
	}
	for _, c := range []struct{ listen, allow, why string }{
		{"rel.sock", "", "Listen: .* is not an address"},
		{"9000", "", "Listen: .* is not an address"},
		{"127.0.0.1:x", "", "Listen: .* is not an address"},
		{"127.0.0.1:99999", "", "Listen: .* is not an address"},
		{"127.0.0.1:0", "", "Listen: .* is not an address"},
		{"@abstract", "", "Listen: .* is not an address"},
		{"localhost:9000", "", "Listen: .* is not an address"},
		{"::1:9000", "", "Listen: .* is not an address"},
		{"[127.0.0.1]:9000", "", "Listen: .* is not an address"},
		{"[fe80::1%eth0]:9000", "192.0.2.1", "Listen: .* is not an address"},
		{"0.0.0.0:9000", "", "Allow: "},
		{"[::]:9000", "", "Allow: "},
		{"192.0.2.1:80", "", "Allow: "},
		{"127.0.0.1:9000", "192.0.2.1", "Allow: other machines can't reach"},
		{"/run/a.sock", "192.0.2.1", "Allow: other machines can't connect to a unix socket"},
		{"192.0.2.1:80", "192.0.2.3 web.example", "expected a machine or a network"},
		{"192.0.2.1:80", "0.0.0.0/0", "is every machine"},
		{"192.0.2.1:80", "::/0", "is every machine"},
		{"192.0.2.1:80", "192.0.2.7/24", "the network is 192.0.2.0/24"},
		{"192.0.2.1:80", "any", "expected a machine or a network"},
		{"192.0.2.1:80", "fe80::1%eth0", "expected a machine or a network"},
		{"192.0.2.1:80", "192.0.2.3\nIPAddressDeny=", "expected a machine or a network"},
	} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Listen: c.listen, Allow: slices.DeleteFunc(strings.Split(c.allow, " "), func(s string) bool { return s == "" })})
		require.Error(t, err, c.listen)
		assert.Regexp(t, c.why, err.Error(), c.listen)
	}
}

func TestAddresses(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9000":     "# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost\n",
		"192.0.2.1:9000":     "# Listens before the network is up.\nFreeBind=yes\n# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.1 192.0.2.7 198.51.100.0/24\n",
		"[2001:db8::1]:9000": "IPAddressAllow=localhost 2001:db8::1 192.0.2.7 198.51.100.0/24\n",
		"0.0.0.0:9000":       "9000\n# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.7 198.51.100.0/24\n",
	} {
		o := Options{Name: "a", Exec: []string{"/x"}, Listen: listen, Profile: Strict}
		if listen != "127.0.0.1:9000" {
			o.Allow = []string{"192.0.2.7/32", "198.51.100.0/24"}
		}
		pair, err := Render(o)
		require.NoError(t, err)
		assert.Contains(t, pair.Socket, want)
		assert.NotContains(t, pair.Service, "IPAddressAllow")
	}
	_, err := Render(Options{Name: "a", Exec: []string{"/x"}, UserManager: true, Allow: []string{"192.0.2.7"}})
	assert.ErrorContains(t, err, "listen at HOST:PORT")
}

func TestSeesPeers(t *testing.T) {
	assert.True(t, (&Options{}).SeesPeers())
	for _, o := range []Options{{Profile: Strict}, {UserManager: true}, {Listen: "127.0.0.1:9000"}} {
		assert.False(t, o.SeesPeers(), "%+v", o)
	}
}
