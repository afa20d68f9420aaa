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
