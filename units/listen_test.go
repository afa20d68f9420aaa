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
		{"rel.sock", "", "Listen: .* is no place to listen"},
		{"9000", "", "Listen: .* is no place to listen"},
		{"127.0.0.1:x", "", "Listen: .* is no place to listen"},
		{"127.0.0.1:99999", "", "Listen: .* is no place to listen"},
		{"127.0.0.1:0", "", "Listen: .* is no place to listen"},
		{"@abstract", "", "Listen: .* is no place to listen"},
		{"localhost:9000", "", "Listen: .* is no place to listen"},
		{"::1:9000", "", "Listen: .* is no place to listen"},
		{"[127.0.0.1]:9000", "", "Listen: .* is no place to listen"},
		{"[fe80::1%eth0]:9000", "192.0.2.1", "Listen: .* is no place to listen"},
		{"0.0.0.0:9000", "", "Allow: "},
		{"[::]:9000", "", "Allow: "},
		{"192.0.2.1:80", "", "Allow: "},
		{"127.0.0.1:9000", "192.0.2.1", "Allow: no other machine can reach"},
		{"/run/a.sock", "192.0.2.1", "Allow: other machines can't connect to a unix socket"},
		{"192.0.2.1:80", "192.0.2.3 web.example", "write that of a machine or of a network"},
		{"192.0.2.1:80", "0.0.0.0/0", "is everybody"},
		{"192.0.2.1:80", "::/0", "is everybody"},
		{"192.0.2.1:80", "192.0.2.7/24", "the network is 192.0.2.0/24"},
		{"192.0.2.1:80", "any", "write that of a machine or of a network"},
		{"192.0.2.1:80", "fe80::1%eth0", "write that of a machine or of a network"},
		{"192.0.2.1:80", "192.0.2.3\nIPAddressDeny=", "write that of a machine or of a network"},
	} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Listen: c.listen, Allow: slices.DeleteFunc(strings.Split(c.allow, " "), func(s string) bool { return s == "" })})
		require.Error(t, err, c.listen)
		assert.Regexp(t, c.why, err.Error(), c.listen)
	}
}

func TestAddresses(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9000":     "# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost\n",
		"192.0.2.1:9000":     "# Also before the network is up.\nFreeBind=yes\n# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.1 192.0.2.7 198.51.100.0/24\n",
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
	assert.ErrorContains(t, err, "listen at ADDRESS:PORT")
}

func TestSeesPeers(t *testing.T) {
	assert.True(t, (&Options{}).SeesPeers())
	for _, o := range []Options{{Profile: Strict}, {UserManager: true}, {Listen: "127.0.0.1:9000"}} {
		assert.False(t, o.SeesPeers(), "%+v", o)
	}
}
