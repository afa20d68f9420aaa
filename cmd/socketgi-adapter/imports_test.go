package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forbidden are packages that the adapter may not import, and why. It is a
// statement of policy: every connection pays for what is linked here, each time.
var forbidden = map[string]string{
	"net/http":    "+0.6 ms for every start",
	"crypto/tls":  "+0.3 ms for every start",
	"net":         "+0.1 ms for every start, and +1.3 ms when it is linked with cgo",
	"crypto/rand": "its self-tests run at every start; getrandom(2) is one system call",
	"github.com/coreos/go-systemd/v22/activation": "imports crypto/tls; package activation does what is needed",
	"github.com/coreos/go-systemd/v22/journal":    "imports net",
	"github.com/spf13/cobra":                      "flag is enough for a program that nobody types",
	"github.com/socketgi/socketgi/scgi/scgihttp":  "imports net/http",
	"github.com/socketgi/socketgi/units":          "is the operator's side",
	"encoding/json":                               "reflection at start; the messages to a worker are simpler",
	"debug/elf":                                   "+0.06 ms for every start: it decompresses and reads debugging information, too",
	"regexp":                                      "compiles at every start",
	"html":                                        "its table of entities",
}

// layers says which of our own packages each room may import (DESIGN: each room is
// entered once, and no room calls back into an earlier one).
var layers = map[string][]string{
	"activation":                nil,
	"scgi":                      {"scgi/internal/poll"},
	"scgi/internal/poll":        nil,
	"scgi/internal/child":       {"scgi/internal/poll"},
	"scgi/gateway":              {"activation", "scgi", "scgi/internal/child", "scgi/internal/poll"},
	"scgi/wsgi/internal/worker": {"scgi", "scgi/internal/child", "scgi/internal/poll"},
	"scgi/wsgi":                 {"scgi", "scgi/internal/child", "scgi/internal/poll", "scgi/wsgi/internal/worker"},
	"scgi/wsgi/pool":            {"activation", "scgi", "scgi/internal/child", "scgi/internal/poll", "scgi/gateway", "scgi/wsgi/internal/worker"},
	"scgi/cgi":                  {"scgi", "scgi/internal/child", "scgi/internal/poll"},
	"scgi/scgihttp":             {"activation", "scgi", "scgi/internal/poll"},
	"units":                     {"units/internal/syntax"},
	"units/inetd":               {"units", "units/internal/syntax"},
	"units/internal/syntax":     nil,
}

func imported(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	deps := imported(t, "-deps", ".")
	assert.Contains(t, deps, "os")
	for _, d := range deps {
		if why, bad := forbidden[d]; bad {
			t.Errorf("the adapter imports %s: %s", d, why)
		}
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	const module = "github.com/socketgi/socketgi/"
	for room, allowed := range layers {
		for _, d := range imported(t, "-deps", module+room) {
			if ours, ok := strings.CutPrefix(d, module); ok && ours != room {
				assert.Contains(t, allowed, ours, "%s imports %s", room, ours)
			}
		}
	}
	assert.NotContains(t, imported(t, "-deps", module+"scgi"), "net/http")
}
