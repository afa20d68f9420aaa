package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestLimitsOfAnotherUser changes the user of a service. Its runtime directory has the slots of the previous
// user. systemd changes their owner together with the directory's, but not that of slots that a process of
// the previous user creates afterwards.
func TestLimitsOfAnotherUser(t *testing.T) {
	s := newSite(t)
	s.Install("testdata/article.py", "/srv/article.py", 0o755)
	s.place([]string{"article", "/srv/article.py", "--python", "/usr/bin/python3", "--mount", "/article", "--concurrency", "2"}, []string{"article", "--mount", "/article"})
	for _, user := range []string{"DynamicUser=yes", "DynamicUser=no\nUser=root", "DynamicUser=no\nUser=www-data", "DynamicUser=no\nUser=nobody"} {
		s.Write("/etc/systemd/system/article@.service.d/user.conf", "[Service]\n"+user+"\n")
		s.start("article")
		assert.Equal(t, http.StatusOK, s.get("/article").StatusCode, user)
	}
	s.Run("install", "-o", "root", "-m", "600", "/dev/null", "/run/socketgi-article/slots")
	assert.Equal(t, http.StatusOK, s.get("/article").StatusCode)
}
