package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadme runs the numbered steps of the README's set-up as they are written, on
// a machine with Debian's own nginx configuration.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "## Set it up on a real machine\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	var steps []string
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "       "); ok {
			steps = append(steps, command)
		}
	}
	require.Greater(t, len(steps), 5)

	newSite(t) // skips where there is no machine to be had
	m := machine.Boot(t)
	m.Install(filepath.Join(bin, "socketgi"), "/usr/local/bin/socketgi", 0o755)
	m.Install(filepath.Join(bin, "socketgi-adapter"), "/usr/local/lib/socketgi/socketgi-adapter", 0o755)
	m.Install("../../scgi/wsgi/testdata/hello.py", "/srv/hello/hello.py", 0o644)
	m.Run("ip", "link", "set", "lo", "up")
	m.Run("systemctl", "start", "nginx")
	script := strings.Join(steps, "")
	out := m.Run("sh", "-exc", script)
	assert.True(t, strings.HasSuffix(out, "Hello world!\n"), "%s", out)
	assert.Empty(t, m.Run("systemctl", "--failed", "--plain", "--no-legend"))
	assert.Contains(t, m.Run("systemctl", "status", "--no-pager", "hello.socket"), "Accepted: 2", "the page that add asks for, and that of curl")
	m.Run("/usr/local/bin/socketgi", "remove", "hello", "--now")
	assert.NoFileExists(t, m.Path("/etc/systemd/system/hello.socket"))
}
