package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveHandler sets up the guest book, in one of the Accept= modes.
func (s *site) serveHandler(accept, profile string) {
	s.t.Helper()
	s.Install(filepath.Join(bin, "example-guestbook"), "/usr/local/bin/guestbook", 0o755)
	s.install(s.Run("/usr/local/bin/socketgi", "units", "book", "--exec", "--state", "--accept", accept, "--profile", profile,
		"--", "/usr/local/bin/guestbook"))
	s.Write("/etc/nginx/apps/book.conf", s.Run("/usr/local/bin/socketgi", "nginx", "book"))
	s.start("book")
}

// TestHandler signs the guest book, a Go handler, in both Accept= modes.
func TestHandler(t *testing.T) { eachProfile(t, testHandler) }

func testHandler(t *testing.T, profile string) {
	for accept, service := range map[string]string{"yes": "book@*", "no": "book.service"} {
		t.Run(accept, func(t *testing.T) {
			s := newSite(t)
			s.serveHandler(accept, profile)
			assert.Empty(t, s.Run("sh", "-c", "systemd-analyze verify --man=no /etc/systemd/system/book*"))
			got := s.get("/")
			require.Equal(t, http.StatusOK, got.StatusCode)
			assert.Contains(t, got.body, "Nobody has signed yet.")

			var wg sync.WaitGroup
			for i := range 20 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					form := url.Values{"name": {fmt.Sprintf("guest %d", i)}, "text": {"<b>" + strings.Repeat("x", 100)}}
					got := s.do("POST", "/", strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
					assert.Equal(t, http.StatusSeeOther, got.StatusCode, got.body)
					assert.Equal(t, "/", got.Header.Get("Location"))
				}()
			}
			wg.Wait()
			got = s.get("/")
			assert.Equal(t, 20, strings.Count(got.body, "<p><b>guest "))
			assert.NotContains(t, got.body, "<b>x")
			got = s.do("HEAD", "/", nil)
			assert.Equal(t, http.StatusOK, got.StatusCode)
			assert.Equal(t, http.StatusBadRequest, s.do("POST", "/", strings.NewReader("")).StatusCode)

			if accept == "no" {
				assert.Equal(t, "active\n", s.Run("systemctl", "is-active", "book.service"))
				s.Run("systemctl", "stop", "book.service") // the next request starts it again
				assert.Equal(t, 20, strings.Count(s.get("/").body, "<p><b>guest "), "the data outlives the process")
			}
			s.Run("systemctl", "stop", "book.socket", service)
			assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
		})
	}
}
