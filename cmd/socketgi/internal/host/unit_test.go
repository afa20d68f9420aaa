package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLongLines: what systemd reads is read here, too: command lines that are continued, with comments
// between, and those of more than 2048 bytes.
func TestLongLines(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.socket"), []byte("[Socket]\nListenStream=/x\nAccept=yes\n"), 0o644))
	words := strings.Repeat("x ", 3000)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a@.service"), []byte("[Service]\nExecStart=/a/socketgi-adapter \\\n    --mount /a \\\n# a comment\n    --cgi /b.cgi "+words+"\nnonsense\n[X-Socketgi]\nApplication=b\n"), 0o644))
	a, err := Host{Root: root}.Load("a")
	require.NoError(t, err)
	assert.Equal(t, "/a", a.Mount())
	assert.Equal(t, append([]string{"/b.cgi"}, strings.Fields(words)...), a.Adapter.Operands)
}
