package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// floods writes more lines than journald's rate limit of a unit allows, before and after the response.
const floods = `import sys
def application(environ, start_response):
    start_response('200 OK', [])
    if environ['PATH_INFO'] == '/flood':
        line = 'a flood' * 8
        for _ in range(300):
            sys.stderr.write((line + '\n') * 1000)
    return [b'done']
`

// TestFlood has an application flood the journal by its standard error. No record of a request is lost; many
// lines are dropped, and their number is reported.
func TestFlood(t *testing.T) {
	const path, script = "/srv/floods.py", "/srv/floods.cgi"
	for name, flags := range map[string][]string{
		"each":      {path, "--python", "/usr/bin/python3"},
		"stays":     {path, "--python", "/usr/bin/python3", "--accept", "no", "--workers", "4"},
		"cgi":       {"--cgi", script},
		"cgi-stays": {"--accept", "no", "--cgi", script},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.Write(path, floods)
			s.Write(script, "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\ndone'\n[ \"$PATH_INFO\" != /flood ] || yes a flood a flood a flood a flood | head -n 300000 >&2\n")
			s.Run("chmod", "755", script)
			s.place(append([]string{"app", "--user", "www-data", "--mount", "/app"}, flags...), []string{"app", "--mount", "/app"})
			s.start("app")
			if strings.HasSuffix(name, "stays") {
				s.listening["app"] = true
			}
			const clients, each = 4, 25
			var wg sync.WaitGroup
			for i := range clients + 1 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					if i == clients {
						assert.Equal(t, 200, s.get("/app/flood").StatusCode)
						return
					}
					for j := range each {
						assert.Equal(t, 200, s.get(fmt.Sprintf("/app/%d/%d", i, j)).StatusCode)
					}
				}()
			}
			wg.Wait()
			assert.Equal(t, 200, s.get("/app/last").StatusCode)
			s.allEnded("app")
			s.Run("journalctl", "--sync")
			entries := s.entries(s.journal("app"))
			records, lines, left := map[string]bool{}, 0, 0
			for _, e := range entries {
				if path, ok := e["SOCKETGI_PATH"].(string); ok && e["SOCKETGI_STATUS"] != nil {
					records[path] = true
				}
				text, _ := e["MESSAGE"].(string)
				if strings.HasPrefix(text, "a flood") {
					lines++
				} else if m := regexp.MustCompile(`^(\d+) more bytes of the program's standard error were dropped$`).FindStringSubmatch(text); m != nil {
					n, err := strconv.Atoi(m[1])
					require.NoError(t, err)
					left += n
				}
			}
			assert.Len(t, records, clients*each+2)
			assert.Greater(t, lines, 1000, "the beginning of a flood may say what is wrong")
			assert.Less(t, lines, 200000)
			assert.Greater(t, left, 1<<20)
			out, _ := s.Try("journalctl", "--no-pager", "-u", "systemd-journald")
			assert.NotContains(t, out, "Suppressed")
		})
	}
}
