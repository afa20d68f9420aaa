package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// othersFlags are flags of programs that are not ours.
var othersFlags = []string{
	"systemd-socket-activate --listen",
	"python3 -m venv --clear",
	"pipenv --py",
}

var flag = regexp.MustCompile(`(^|[^\w-])--[a-z]`)

// TestNoFlags looks for flags in the strings of libraries: their callers may have none, or others, and
// compose what tells of their own. The workers' own code is no library: what it prints is for the
// operator of the adapter, who has its flags.
func TestNoFlags(t *testing.T) {
	for _, room := range []string{"scgi", "units", "activation"} {
		err := filepath.WalkDir("../../../"+room, func(path string, d fs.DirEntry, err error) error {
			switch {
			case d.IsDir() && (d.Name() == "machine" || d.Name() == "e2e" || d.Name() == "testdata" || d.Name() == "packaging" || d.Name() == "worker"):
				return fs.SkipDir
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				goStrings(t, path)
			case strings.HasSuffix(path, ".py"):
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				noFlag(t, path, string(text))
			}
			return err
		})
		require.NoError(t, err)
	}
}

// goStrings looks at all strings of a file.
func goStrings(t *testing.T, path string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			noFlag(t, files.Position(lit.Pos()).String(), lit.Value)
		}
		return true
	})
}

func noFlag(t *testing.T, where, text string) {
	t.Helper()
	for _, other := range othersFlags {
		text = strings.ReplaceAll(text, other, "")
	}
	for line := range strings.Lines(text) {
		assert.False(t, flag.MatchString(line), "%s: %s", where, line)
	}
}
