package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCheckOutput loads an application that prints without end, itself and by a process that it leaves
// running, and checks the size of /run.
func TestCheckOutput(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/app.py", `import os
if os.path.exists('/srv/open/bad'):
    if os.fork() == 0:
        os.setsid()
        while True:
            os.write(2, b'more\n' * 1000)
    for _ in range(2000):
        os.write(2, b'x' * 99999 + b'\n')
    free = os.statvfs('/run')
    open('/srv/open/free', 'w').write(str(free.f_bavail * free.f_frsize))
    raise ValueError('at last')
def application(environ, start):
    start('200 OK', [])
    return [b'here']
`)
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		require.NoError(t, err)
		return n
	}
	before := number(s.Run("sh", "-c", "stat -f -c '%a %S' /run | (read n size; echo $((n * size)))"))
	check := func(command ...string) {
		t.Helper()
		s.Write("/srv/open/bad", "")
		out, err := s.operator(command...)
		assert.Error(t, err)
		assert.Less(t, len(out), 64<<10)
		found := regexp.MustCompile(`(\d+) bytes before them are omitted`).FindStringSubmatch(out)
		require.NotEmpty(t, found, "%s", out)
		assert.Greater(t, number(found[1]), 199_000_000)
		assert.Less(t, before-number(s.Run("cat", "/srv/open/free")), 16<<20, "while it was loaded")
		left, _ := s.Try("sh", "-c", "ls -d /run/.socketgi-check-*; pgrep -f '/srv/[a]pp.py'")
		assert.Contains(t, left, "No such file")
		assert.Len(t, strings.Split(strings.TrimSpace(left), "\n"), 1, left)
		s.Run("rm", "/srv/open/bad", "/srv/open/free")
	}
	add := []string{"add", "app", "/srv/app.py", "--python", "/usr/bin/python3", "--user", "www-data"}
	check(add...)
	out, err := s.operator(add...)
	require.NoError(t, err, "%s", out)
	check("refresh", "app")
}
