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
		assert.NoError(t, checkListen(s), s)
		assert.NoError(t, checkReach(s, strings.Fields(allow)), s)
	}
	for _, c := range []struct{ listen, allow, why string }{
		{"rel.sock", "", "no place to listen"},
		{"9000", "", "no place to listen"},
		{"127.0.0.1:x", "", "no place to listen"},
		{"127.0.0.1:99999", "", "no place to listen"},
		{"127.0.0.1:0", "", "no place to listen"},
		{"@abstract", "", "no place to listen"},
		{"localhost:9000", "", "no place to listen"},
		{"::1:9000", "", "no place to listen"},
		{"[127.0.0.1]:9000", "", "no place to listen"},
		{"[fe80::1%eth0]:9000", "192.0.2.1", "no place to listen"},
		{"0.0.0.0:9000", "", "say with --allow ADDRESS"},
		{"[::]:9000", "", "say with --allow ADDRESS"},
		{"192.0.2.1:80", "", "say with --allow ADDRESS"},
		{"127.0.0.1:9000", "192.0.2.1", "leave --allow out"},
		{"/run/a.sock", "192.0.2.1", "say --listen ADDRESS:PORT"},
		{"192.0.2.1:80", "192.0.2.3 web.example", "write the address of a machine"},
		{"192.0.2.1:80", "0.0.0.0/0", "is everybody"},
		{"192.0.2.1:80", "::/0", "is everybody"},
		{"192.0.2.1:80", "192.0.2.7/24", "the network is 192.0.2.0/24"},
		{"192.0.2.1:80", "any", "write the address of a machine"},
		{"192.0.2.1:80", "fe80::1%eth0", "write the address of a machine"},
		{"192.0.2.1:80", "192.0.2.3\nIPAddressDeny=", "write the address of a machine"},
	} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Listen: c.listen, Allow: slices.DeleteFunc(strings.Split(c.allow, " "), func(s string) bool { return s == "" })})
		assert.ErrorContains(t, err, c.why, c.listen)
	}
}

func TestAddresses(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9000":     "# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost\n",
		"192.0.2.1:9000":     "# Also before the network is up.\nFreeBind=yes\n# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.1 192.0.2.7 198.51.100.0/24\n",
		"[2001:db8::1]:9000": "IPAddressAllow=localhost 2001:db8::1 192.0.2.7 198.51.100.0/24\n",
		"0.0.0.0:9000":       "9000\n# Packets from elsewhere are dropped.\nIPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.7 198.51.100.0/24\n",
	} {
		o := Options{Name: "a", Exec: []string{"/x"}, Listen: listen, Adapter: true, Profile: Strict}
		if listen != "127.0.0.1:9000" {
			o.Allow = []string{"192.0.2.7/32", "198.51.100.0/24"}
		}
		pair, err := Render(o)
		require.NoError(t, err)
		assert.Contains(t, pair.Socket, want)
		assert.NotContains(t, pair.Service, "IPAddressAllow")
	}
	_, err := Render(Options{Name: "a", Exec: []string{"/x"}, UserManager: true, Allow: []string{"192.0.2.7"}})
	assert.ErrorContains(t, err, "say --listen")
}

func TestAllowUIDs(t *testing.T) {
	o := Options{Name: "a", Exec: []string{"/x", "app"}, Adapter: true, Code: true, AllowUIDs: []uint32{33, 1000}}
	pair, err := Render(o)
	require.NoError(t, err)
	assert.Contains(t, pair.Service, "\nExecStart=/x --cache /var/cache/socketgi/a --allow-uid 33,1000 app\n")
	check, err := RenderCheck(o, "/run/output")
	require.NoError(t, err)
	assert.NotContains(t, check, "--allow-uid")
	for _, change := range []func(*Options){
		func(o *Options) { o.Adapter = false },
		func(o *Options) { o.Profile = Strict },
		func(o *Options) { o.UserManager = true },
		func(o *Options) { o.Listen = "127.0.0.1:9000" },
	} {
		wrong := o
		change(&wrong)
		_, err := Render(wrong)
		assert.ErrorContains(t, err, "leave --allow-user out")
	}
}
