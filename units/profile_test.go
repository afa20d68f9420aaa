package units

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseProfile(t *testing.T) {
	for in, want := range map[string]Profile{"": Fast, "fast": Fast, "strict": Strict, "none": None} {
		got, err := ParseProfile(in)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := ParseProfile("Strict")
	assert.ErrorContains(t, err, "fast, strict or none")
	_, err = Render(Options{Name: "a", Exec: []string{"/x"}, Profile: "stict"})
	assert.Error(t, err, "a typing error is not a weaker sandbox")
}

func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		profile   Profile
		network   bool
		has, lack string
	}{
		{None, false, "NoNewPrivileges=yes", "SystemCallFilter="},
		{Fast, false, "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "ProtectSystem="},
		{Strict, false, "PrivateNetwork=yes", "AF_INET"},
		{Strict, true, "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "PrivateNetwork="},
		{Strict, true, "ProtectHome=tmpfs", "IPAddressDeny="},
		{Strict, true, "InaccessiblePaths=-/run/dbus", "-/run/nscd"},
		{Fast, false, "SystemCallErrorNumber=EPERM", "InaccessiblePaths="},
	} {
		pair, err := Render(Options{Name: "a", Exec: []string{"/x"}, Profile: c.profile, Network: c.network})
		require.NoError(t, err)
		assert.Contains(t, pair.Service, "\n"+c.has+"\n", c)
		assert.NotContains(t, pair.Service, c.lack, c)
	}
}

func TestShown(t *testing.T) {
	for _, c := range []struct {
		profile Profile
		user    string
		dir     string
		reads   []string
		want    string
	}{
		{Strict, "u", "/srv/app", []string{"/usr/lib/python3", "/homes/x"}, ""},
		{Strict, "u", "/home/u/app", []string{"/home/u/app/app.py", "/home/u/env/", "/home/u/env", "/root/py"}, "/home/u/app /home/u/env /root/py"},
		{Strict, "u", "/home/u/app", []string{"/home/u"}, "/home/u"},
		{Strict, "u", "/home/u/app", []string{"/home/u/app2"}, "/home/u/app /home/u/app2"},
		{Strict, "u", "/run/user/1000/app", nil, "/run/user/1000/app"},
		{Strict, "u", "/tmp", []string{"/tmp/app.py"}, "/tmp/app.py"}, // not all of /tmp
		{Fast, "u", "/home/u/app", []string{"/tmp/x"}, ""},
		{None, "", "/home/u/app", []string{"/tmp/x"}, "/tmp/x"}, // a dynamic user has its own /tmp
	} {
		o := Options{Name: "a", Exec: []string{"/x"}, Profile: c.profile, User: c.user, WorkingDirectory: c.dir, Reads: c.reads}
		assert.Equal(t, c.want, strings.Join(o.Shown(), " "), "%+v", c)
	}
}

func TestQuotationMarks(t *testing.T) {
	for _, dir := range []string{`/home/a"b`, `/home/a'b`, `/home/a\b`} {
		o := Options{Name: "a", Exec: []string{"/x"}, Profile: Strict, User: "u", WorkingDirectory: dir}
		_, err := Render(o)
		assert.ErrorContains(t, err, "BindReadOnlyPaths= differently; rename it")
		o.Profile = Fast
		_, err = Render(o)
		assert.NoError(t, err, "nothing has to be shown")
	}
}
