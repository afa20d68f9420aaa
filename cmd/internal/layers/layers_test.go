// Package layers is about what each package of this module may import of the others: data goes
// through rooms with one-way doors. ARCHITECTURE.md (.github) says what lives in each.
package layers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/socketgi/socketgi/"

// rooms lists every package, and the packages of this module that it may import. A room stands below all that it
// imports, so nothing points back up. Only the packages of the operator's command stand in
// operator instead.
var rooms = []struct{ name, mayImport string }{
	{"activation", ""},
	{"scgi/internal/poll", ""},
	{"scgi", "scgi/internal/poll"},
	{"scgi/outcome", ""},
	{"scgi/internal/child", "scgi/internal/poll scgi/outcome"},
	{"scgi/gateway", "activation scgi scgi/internal/child scgi/internal/poll scgi/outcome"},
	{"scgi/cgi", "scgi scgi/internal/child scgi/internal/poll scgi/outcome"},
	{"scgi/wsgi/internal/worker", "scgi scgi/internal/child scgi/internal/poll scgi/outcome"},
	{"scgi/wsgi", "scgi scgi/internal/child scgi/internal/poll scgi/outcome scgi/wsgi/internal/worker"},
	{"scgi/wsgi/pool", "activation scgi scgi/gateway scgi/internal/child scgi/internal/poll scgi/outcome scgi/wsgi scgi/wsgi/internal/worker"},
	{"scgi/scgihttp", "activation scgi scgi/internal/poll"},

	{"units/internal/syntax", ""},
	{"units", "units/internal/syntax"},
	{"units/inetd", "units units/internal/syntax"},

	{"cmd/internal/version", ""},
	{"cmd/internal/adapter", "scgi scgi/outcome"},
	{"cmd/internal/oserror", ""},
	{"cmd/internal/manual", "cmd/internal/adapter"},
	{"cmd/socketgi-adapter/internal/journal", "activation cmd/internal/adapter scgi scgi/gateway"},
	{"cmd/socketgi-adapter/internal/passwd", ""},
	{"cmd/socketgi-adapter", "activation cmd/internal/adapter cmd/internal/oserror cmd/internal/version cmd/socketgi-adapter/internal/journal cmd/socketgi-adapter/internal/passwd scgi scgi/cgi scgi/gateway scgi/outcome scgi/wsgi scgi/wsgi/pool"},
	{"cmd/example-guestbook", "scgi/scgihttp"},

	{"units/internal/machine", ""},
	{"units/internal/machine/images", "units/internal/machine"},
	{"units/internal/performance", ""},
}

// testsOnly are packages without anything that could be imported.
var testsOnly = []string{"cmd/internal/layers", "units/e2e"}

// operator lists the packages below cmd/socketgi/internal. One imports those of the lines above its own, and
// public packages; the command itself imports all.
var operator = []string{
	"appunits failure file manager nginxconf plain program rootfs tree unitfile",
	"account apache host lighttpd nginx python terminal",
	"access application hint journal trial",
	"compose dev doctor get install logs report",
}

// public are what the operator's command may import from outside of cmd/socketgi.
const public = "scgi scgi/cgi scgi/scgihttp scgi/wsgi units units/inetd cmd/internal/adapter cmd/internal/manual cmd/internal/oserror cmd/internal/version"

// allowed returns what each package may import, of which all must be there.
func allowed(t *testing.T) map[string][]string {
	t.Helper()
	may := map[string][]string{}
	for _, room := range rooms {
		list := strings.Fields(room.mayImport)
		for _, other := range list {
			assert.Contains(t, may, other, "%s is to be listed below what it imports", room.name)
		}
		may[room.name] = list
	}
	above := strings.Fields(public)
	for _, level := range operator {
		var names []string
		for _, name := range strings.Fields(level) {
			names = append(names, "cmd/socketgi/internal/"+name)
			may[names[len(names)-1]] = slices.Clone(above)
		}
		above = append(above, names...)
	}
	may["cmd/socketgi"] = above
	for _, name := range testsOnly {
		may[name] = nil
	}
	return may
}

// TestLayers compares the imports of every package with what it may import.
func TestLayers(t *testing.T) {
	may := allowed(t)
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(strings.ReplaceAll(line, module, ""))
		list, listed := may[fields[0]]
		if !assert.True(t, listed, "%s is not listed: say what it may import", fields[0]) {
			continue
		}
		delete(may, fields[0])
		for _, other := range fields[1:] {
			if first, _, _ := strings.Cut(other, "/"); slices.Contains([]string{"activation", "cmd", "scgi", "units"}, first) {
				assert.Contains(t, list, other, "%s may not import it", fields[0])
			}
		}
	}
	assert.Empty(t, may, "these packages are listed, and not there")
}

// TestWire checks that the packages that decode requests don't import net/http.
func TestWire(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"scgi").Output()
	require.NoError(t, err)
	assert.NotContains(t, strings.Fields(string(out)), "net/http")
}

// TestPublic holds that the types of public packages can be named by importing programs: none shows one of an
// internal package.
func TestPublic(t *testing.T) {
	var public, internal []string
	for _, room := range rooms {
		switch name := room.name; {
		case strings.Contains(name, "internal/"):
			internal = append(internal, filepath.Base(name))
		case !strings.HasPrefix(name, "cmd/"):
			public = append(public, name)
		}
	}
	shown := regexp.MustCompile(`\b(` + strings.Join(internal, "|") + `)\.[A-Z]`)
	for _, name := range public {
		text, err := exec.Command("go", "doc", "-all", module+name).Output()
		require.NoError(t, err, name)
		assert.Empty(t, shown.FindAllString(string(text), -1), name)
	}
}

// TestArchitecture looks for the packages and files that ARCHITECTURE.md names, and for the rooms in its
// table.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("../../../.github/ARCHITECTURE.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(string(text), -1) {
		_, err := os.Stat(filepath.Join("../../../.github", m[1]))
		assert.NoError(t, err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| [^|]+ \\| `([^`|]+)` \\| `([^`|]+\\.\\w+)`").FindAllStringSubmatch(string(text), -1) {
		assert.FileExists(t, filepath.Join("../../..", m[1], m[2]))
	}
	for _, room := range rooms {
		if name := room.name; !strings.Contains(name, "/internal/") && !strings.HasPrefix(name, "cmd/example") {
			assert.Contains(t, string(text), "(../"+name+")", "ARCHITECTURE.md has no room %s", name)
		}
	}
}
