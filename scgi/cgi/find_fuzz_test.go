package cgi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzFind asks for programs by any path. What is found lies below the root when all
// links are followed, and can be executed; what isn't has a reason that fits in one line
// of a log. $ROOT in the input is the root.
func FuzzFind(f *testing.F) {
	root := tree(f)
	for _, s := range [][5]string{
		{"", "", "", "/a.cgi", ""},
		{"", "", "/cgi-bin", "/sub/b.cgi/x//y/", "/cgi-bin/sub/b.cgi/x/y/"},
		{"$ROOT/sub/b.cgi", "", "", "/x/b.cgi/i", "/x/b.cgi/i"},
		{"$ROOT/../outside/secret.cgi", "$ROOT", "/x", "/a.cgi", ""},
		{"", "$ROOT/..", "/root", "/a.cgi/i", "/root/a.cgi/i"},
		{"", "", "", "/sub/../../outside/secret.cgi", ""},
		{"", "", "", "/%2e%2e/outside/secret.cgi", ""},
		{"", "", "", "/..%2foutside/secret.cgi", ""},
		{"", "", "", "/sub/upout/secret.cgi", ""},
		{"", "", "", "/a.cgi\x00/../../outside/secret.cgi", ""},
		{"$ROOT/a.cgi\x00.txt", "", "", "", ""},
		{"", "", "", "/sub/up/sub/up/sub/up/a.cgi", ""},
		{"$ROOT/./sub/.//b.cgi", "", "", "", ""},
		{"", "", "", "/" + strings.Repeat("a/", 3000), ""},
		{"", "", "", "/" + strings.Repeat("x", 300), ""},
		{"", "", "", "/x\n\x1b[31m", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	f.Fuzz(func(t *testing.T, file, documentRoot, scriptName, pathInfo, uri string) {
		file, documentRoot = strings.ReplaceAll(file, "$ROOT", root), strings.ReplaceAll(documentRoot, "$ROOT", root)
		s, err := (&Config{Root: root}).find(variables(map[string]string{
			"SCRIPT_FILENAME": file, "DOCUMENT_ROOT": documentRoot, "SCRIPT_NAME": scriptName, "PATH_INFO": pathInfo, "DOCUMENT_URI": uri}))
		if err != nil {
			p := problemOf(err)
			assert.NotEmpty(t, p.Text)
			assert.False(t, strings.ContainsAny(p.Text, "\n\r\x1b\x00"), "%q", p.Text)
			return
		}
		real, err := filepath.EvalSymlinks(s.path)
		require.NoError(t, err)
		assert.Equal(t, real, s.path)
		assert.True(t, strings.HasPrefix(real, root+"/"), real)
		assert.Contains(t, []string{"a.cgi", "b.cgi"}, filepath.Base(real), "the programs that there are")
		info, err := os.Stat(real)
		require.NoError(t, err)
		assert.True(t, info.Mode().IsRegular() && info.Mode()&0o111 != 0)
		dir, err := s.pin()
		require.NoError(t, err)
		require.NoError(t, os.NewFile(uintptr(dir), "directory").Close())
		if file == "" {
			assert.Equal(t, scriptName+pathInfo, s.scriptName+s.pathInfo, "the URL is cut in two, and nothing of it is lost")
		}
	})
}
