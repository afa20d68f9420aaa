package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDefaults compares the default durations in the pages and the README with those that help shows:
// `--idle-exit` (5min).
func TestDefaults(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	flag := regexp.MustCompile("--([a-z-]+)(?:\\*\\*|`)? \\(([0-9]+[a-z ]+[^)]*)\\)")
	seen := map[string]bool{}
	for _, page := range append(pages, "../../../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range flag.FindAllStringSubmatch(string(text), -1) {
			if f := adapter.FlagSet().Lookup(m[1]); assert.NotNil(t, f, "%s: --%s", page, m[1]) {
				assert.Equal(t, adapter.ShownDefault(f.Value, f.DefValue), m[2], "%s: --%s", page, m[1])
			}
			seen[m[1]] = true
		}
	}
	for _, name := range []string{"timeout", "queue-timeout", "idle-exit"} {
		assert.True(t, seen[name], "no page has the default of --%s", name)
	}
}
