package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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

// TestNoFlags looks for flags in the strings of libraries: who calls them may have none, or others, and
// composes what tells of its own.
func TestNoFlags(t *testing.T) {
	flag := regexp.MustCompile(`(^|[^\w-])--[a-z]`)
	for _, room := range []string{"scgi", "units", "activation"} {
		err := filepath.WalkDir("../../../"+room, func(path string, d fs.DirEntry, err error) error {
			if d.IsDir() && (d.Name() == "machine" || d.Name() == "e2e" || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text := lit.Value
					for _, other := range othersFlags {
						text = strings.ReplaceAll(text, other, "")
					}
					assert.False(t, flag.MatchString(text), "%s: %s", files.Position(lit.Pos()), lit.Value)
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
}
