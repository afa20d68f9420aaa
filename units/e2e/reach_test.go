package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAllowedUsers sends requests to applications of all kinds as root, as the web server, and as another
// user who may connect as a member of the web server's group.
func TestAllowedUsers(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nHello world!\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	s.serve("made-up", "article.py", "/made-up")
	s.serve("owned", "article.py", "/owned", "--user", "www-data")
	s.serve("stays", "article.py", "/stays", "--accept", "no")
	s.serve("strict", "article.py", "/strict", "--profile", "strict")
	s.place([]string{"cgi", "--accept", "no", "--cgi", "--", "/srv/hello.cgi"}, []string{"cgi", "--mount", "/cgi"})
	s.start("cgi")
	// A member of the web server's group sends a request to the socket.
	member := func(name string) string {
		out, _ := s.Try("setpriv", "--reuid=nobody", "--regid=www-data", "--clear-groups", "/usr/local/bin/socketgi", "get", "-i", name, "/")
		return out
	}
	for _, name := range []string{"made-up", "owned", "stays", "strict", "cgi"} {
		assert.Equal(t, "Hello world!\n", s.get("/"+name).body, name)
		out, exit := s.socketgi("get", name, "/")
		assert.Zero(t, exit, out)
		assert.Contains(t, out, "Hello world!", "root is always let in")
		if name == "strict" {
			assert.Contains(t, member(name), "Hello world!", "if other users are hidden, the mode of the socket decides")
			continue
		}
		assert.Contains(t, member(name), "Status: 403 Forbidden", name)
		uid := strings.TrimSpace(s.Run("id", "-u", "nobody"))
		s.logged(unitOf(name), map[string]string{"SOCKETGI_STATUS": "403", "PRIORITY": "4",
			"MESSAGE": "request refused with 403: it comes from user " + uid + ", which is not allowed: " +
				"to allow it, add " + uid + " to --allow-uid (systemctl edit)"})
	}
	assert.Contains(t, s.Run("/usr/local/bin/socketgi", "status", "owned"), "    Allowed: root, www-data\n")

	// Allowed by name, with one more user.
	s.Write("/etc/systemd/system/owned@.service.d/more.conf", "[Service]\nExecStart=\nExecStart=/usr/local/lib/socketgi/socketgi-adapter --allow-user www-data,nobody --python /usr/bin/python3 /srv/article.py\n")
	// If a client can't be distinguished from the web server, it is refused.
	s.Write("/etc/systemd/system/strict@.service.d/blind.conf", "[Service]\nExecStart=\nExecStart=/usr/local/lib/socketgi/socketgi-adapter --allow-uid 33 --python /usr/bin/python3 /srv/article.py\n")
	s.Run("systemctl", "daemon-reload")
	assert.Contains(t, member("owned"), "Hello world!")
	assert.Equal(t, "Hello world!\n", s.get("/owned").body)
	assert.Equal(t, 403, s.get("/strict").StatusCode)
	out, _ := s.socketgi("get", "strict", "/")
	assert.Contains(t, out, "Hello world!", "root is root there, too")
	assert.Contains(t, s.Run("journalctl", "--output=cat", "SOCKETGI_STATUS=403"), "its user is not visible in this user namespace: with PrivateUsers=")
}

// unitOf returns the pattern of the units in the log entries of an application.
func unitOf(name string) string {
	if name == "stays" || name == "cgi" {
		return name + ".service"
	}
	return name + "@*"
}

// TestAllowedAddresses listens at an address that other machines can reach, and has systemd print the lists.
// Their enforcement depends on the machine's kernel.
func TestAllowedAddresses(t *testing.T) {
	s := newSite(t)
	s.app("article.py")
	s.Run("ip", "link", "set", "lo", "up")
	s.Run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
	add := []string{"add", "address", "/srv/article.py", "--python", "/usr/bin/python3", "--now", "--mount", "/address", "--listen", "192.0.2.1:9000"}
	out, err := s.operator(add...)
	assert.Error(t, err)
	assert.Contains(t, out, "other machines can reach 192.0.2.1:9000 and could claim to be any user")
	assert.NoFileExists(t, s.Path("/etc/systemd/system/address.socket"))
	out, err = s.operator(append(add, "--allow", "192.0.2.7", "--allow", "198.51.100.0/24,2001:db8::/32")...)
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "address answers: 200 OK")
	show := func(property string) []string {
		return strings.Fields(s.Run("systemctl", "show", "-P", property, "address.socket"))
	}
	assert.ElementsMatch(t, []string{"127.0.0.0/8", "::1/128", "192.0.2.1/32", "192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"}, show("IPAddressAllow"))
	assert.ElementsMatch(t, []string{"0.0.0.0/0", "::/0"}, show("IPAddressDeny"))
	unit, err := os.ReadFile(s.Path("/etc/systemd/system/address@.service"))
	require.NoError(t, err)
	assert.NotContains(t, string(unit), "--allow-uid")
	s.location("address")
	assert.Equal(t, "Hello world!\n", s.get("/address").body)
	s.healthy("address")

	// It listens although the address is missing, as before the network is up.
	s.Run("ip", "address", "del", "192.0.2.1/32", "dev", "lo")
	s.Run("systemctl", "restart", "address.socket")
	assert.Equal(t, "active\n", s.Run("systemctl", "is-active", "address.socket"))
}
