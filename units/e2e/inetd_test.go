package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestStandardInput passes the connection as inetd does, as standard input, output and error at once.
func TestStandardInput(t *testing.T) {
	s := newSite(t)
	s.serve("app", "bad.py", "/app", "--user", "www-data")
	unit := s.Run("cat", "/etc/systemd/system/app@.service")
	s.Write("/etc/systemd/system/app@.service", strings.Replace(unit, "[Service]\n", "[Service]\nStandardInput=socket\n", 1))
	s.Run("systemctl", "daemon-reload")
	assert.Equal(t, "good", s.get("/app/").body, "printed text is not in the response")
	s.logged("app@*", map[string]string{"SOCKETGI_PATH": "/app/", "SOCKETGI_STATUS": "200"})
	s.logged("app@*", map[string]string{"MESSAGE": "printed, and not in the response"})
	assert.Equal(t, 500, s.get("/app/raise").StatusCode)
	s.allEnded("app")
}

// TestSocketActivate runs the adapter by hand, as in the README.
func TestSocketActivate(t *testing.T) {
	s := newSite(t)
	s.serve("app", "article.py", "/app")
	for _, flags := range []string{"--accept", "--accept --inetd"} {
		s.Run("sh", "-c", "rm -f /run/hand.sock; systemd-socket-activate "+flags+" -l /run/hand.sock "+
			"/usr/local/lib/socketgi/socketgi-adapter --python /usr/bin/python3 /srv/article.py >/dev/null 2>&1 & echo $! >/run/hand.pid")
		s.Wait("the socket", func() error { _, err := s.Try("test", "-S", "/run/hand.sock"); return err })
		s.Run("chmod", "666", "/run/hand.sock")
		s.Write("/etc/nginx/apps/app.conf", "location / { include scgi_params; scgi_pass unix:/run/hand.sock; }\n")
		s.Run("systemctl", "restart", "nginx")
		assert.Equal(t, "Hello world!\n", s.get("/").body, flags)
		s.Run("sh", "-c", "kill $(cat /run/hand.pid)")
	}
}
