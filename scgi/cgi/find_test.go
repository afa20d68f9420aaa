package cgi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree is a directory with programs, next to a private one.
func tree(t testing.TB) (root string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	root = filepath.Join(dir, "root")
	write := func(name string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), mode))
	}
	write("root/a.cgi", 0o755)
	write("root/sub/b.cgi", 0o755)
	write("root/plain.txt", 0o644)
	write("outside/secret.cgi", 0o755)
	write("rootother/c.cgi", 0o755)
	for link, target := range map[string]string{
		"in.cgi":    "sub/b.cgi",
		"out.cgi":   "../outside/secret.cgi",
		"absolute":  filepath.Join(dir, "outside"),
		"loop.cgi":  "loop.cgi",
		"broken":    "nowhere",
		"sub/up":    "..",
		"sub/upout": "../../outside",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, link)))
	}
	require.NoError(t, os.Mkdir(filepath.Join(root, "sub", "dir.cgi"), 0o755))
	return root
}

func TestFind(t *testing.T) {
	root := tree(t)
	for name, c := range map[string]struct {
		vars                     map[string]string
		path, name, script, info string
	}{
		"by PATH_INFO":            {map[string]string{"PATH_INFO": "/a.cgi"}, "a.cgi", "a.cgi", "/a.cgi", ""},
		"with more behind":        {map[string]string{"SCRIPT_NAME": "/cgi-bin", "PATH_INFO": "/sub/b.cgi/x//y/"}, "sub/b.cgi", "sub/b.cgi", "/cgi-bin/sub/b.cgi", "/x//y/"},
		"a slash behind":          {map[string]string{"PATH_INFO": "/a.cgi/"}, "a.cgi", "a.cgi", "/a.cgi", "/"},
		"by DOCUMENT_ROOT":        {map[string]string{"DOCUMENT_ROOT": root, "SCRIPT_NAME": "/sub/b.cgi", "PATH_INFO": ""}, "sub/b.cgi", "sub/b.cgi", "/sub/b.cgi", ""},
		"DOCUMENT_ROOT above":     {map[string]string{"DOCUMENT_ROOT": filepath.Dir(root), "PATH_INFO": "/root/a.cgi/i"}, "a.cgi", "a.cgi", "/root/a.cgi", "/i"},
		"DOCUMENT_ROOT elsewhere": {map[string]string{"DOCUMENT_ROOT": "/var/www", "SCRIPT_NAME": "/p", "PATH_INFO": "/a.cgi"}, "a.cgi", "a.cgi", "/p/a.cgi", ""},
		"by SCRIPT_FILENAME":      {map[string]string{"SCRIPT_FILENAME": root + "/sub/b.cgi", "SCRIPT_NAME": "/x/b.cgi", "PATH_INFO": "/i"}, "sub/b.cgi", "sub/b.cgi", "/x/b.cgi", "/i"},
		"SCRIPT_NAME not sent":    {map[string]string{"SCRIPT_FILENAME": root + "/sub/b.cgi", "SCRIPT_NAME": "", "PATH_INFO": "/x/b.cgi/i"}, "sub/b.cgi", "sub/b.cgi", "/x/b.cgi", "/i"},
		"named by another URL":    {map[string]string{"SCRIPT_FILENAME": root + "/a.cgi", "SCRIPT_NAME": "/git", "PATH_INFO": "/i"}, "a.cgi", "a.cgi", "/git", "/i"},
		"a link inside":           {map[string]string{"PATH_INFO": "/in.cgi/i"}, "sub/b.cgi", "in.cgi", "/in.cgi", "/i"},
		"a link up, but inside":   {map[string]string{"PATH_INFO": "/sub/up/a.cgi"}, "a.cgi", "sub/up/a.cgi", "/sub/up/a.cgi", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := (&Config{Root: root}).find(variables(c.vars))
			require.NoError(t, err)
			assert.Equal(t, filepath.Join(root, c.path), s.path)
			assert.Equal(t, filepath.Join(root, c.name), s.name)
			assert.Equal(t, c.script, s.scriptName)
			assert.Equal(t, c.info, s.pathInfo)
		})
	}
}

func TestFindNothing(t *testing.T) {
	root := tree(t)
	for path, c := range map[string]struct {
		kind outcome.Kind
		why  string
	}{
		"/nowhere.cgi":           {outcome.NotFound, "nowhere.cgi does not exist"},
		"/sub/nowhere/x":         {outcome.NotFound, "sub/nowhere does not exist"},
		"/broken":                {outcome.NotFound, "broken does not exist"},
		"/../outside/secret.cgi": {outcome.NotFound, "leads out of the root"},
		"/a.cgi/../../outside":   {0, ""}, // what stands behind a program is its own
		"/sub/..":                {outcome.NotFound, "leads out of the root"},
		"/out.cgi":               {outcome.Forbidden, "leads out of"},
		"/absolute/secret.cgi":   {outcome.Forbidden, "leads out of"},
		"/sub/upout/secret.cgi":  {outcome.Forbidden, "leads out of"},
		"/loop.cgi":              {outcome.Forbidden, "too many symbolic links"},
		"/plain.txt":             {outcome.Forbidden, "chmod +x"},
		"/":                      {outcome.Forbidden, "is a directory"},
		"/sub/":                  {outcome.Forbidden, "is a directory"},
		"/sub/dir.cgi":           {outcome.Forbidden, "is a directory"},
		"/./sub/.":               {outcome.Forbidden, "sub is a directory"},
		"/./sub//./b.cgi/.":      {0, ""},
		"/./plain.txt/x":         {outcome.Forbidden, "chmod +x"},
	} {
		_, err := (&Config{Root: root}).find(variables(map[string]string{"PATH_INFO": path}))
		if c.why == "" {
			assert.NoError(t, err, path)
			continue
		}
		assert.ErrorContains(t, err, c.why, path)
		assert.Equal(t, c.kind, problemOf(err).Kind, path)
	}
	for file, kind := range map[string]outcome.Kind{
		filepath.Dir(root) + "/outside/secret.cgi": outcome.NotFound,
		root + "/../outside/secret.cgi":            outcome.NotFound,
		root + "other/c.cgi":                       outcome.NotFound,
		root:                                       outcome.NotFound,
		root + "/sub":                              outcome.Forbidden,
		root + "/out.cgi":                          outcome.Forbidden,
		"a.cgi":                                    outcome.NotFound,
	} {
		_, err := (&Config{Root: root}).find(variables(map[string]string{"SCRIPT_FILENAME": file, "PATH_INFO": "/a.cgi"}))
		require.Error(t, err, file)
		assert.Equal(t, kind, problemOf(err).Kind, file)
	}
}

// TestFindTarget: a symbolic link may lead to files below a target only.
func TestFindTarget(t *testing.T) {
	root := tree(t)
	outside := filepath.Join(filepath.Dir(root), "outside")
	alias := filepath.Join(t.TempDir(), "alias") // a target may be named by a link
	require.NoError(t, os.Symlink(outside, alias))
	for _, path := range []string{"/out.cgi", "/absolute/secret.cgi", "/sub/upout/secret.cgi"} {
		_, err := (&Config{Root: root, TargetHint: func(dir string) string { return "allow " + dir }}).find(variables(map[string]string{"PATH_INFO": path}))
		require.ErrorContains(t, err, "; allow "+outside)
		for _, target := range []string{outside, outside + "/", alias, filepath.Dir(root)} {
			s, err := (&Config{Root: root, Targets: []string{"/nowhere", target}}).find(variables(map[string]string{"PATH_INFO": path + "/i"}))
			if assert.NoError(t, err, "%s %s", path, target) {
				assert.Equal(t, outside+"/secret.cgi", s.path)
				assert.Equal(t, root+path, s.name)
				assert.Equal(t, "/i", s.pathInfo)
			}
		}
		for _, target := range []string{outside + "/x", outside[:len(outside)-1], root, outside + "/secret.cgi/x"} {
			_, err := (&Config{Root: root, Targets: []string{target}}).find(variables(map[string]string{"PATH_INFO": path}))
			assert.ErrorContains(t, err, "leads out of", "%s", target)
		}
		_, err = (&Config{Root: root, Targets: []string{outside}}).find(variables(map[string]string{"PATH_INFO": "/../outside/secret.cgi"}))
		assert.ErrorContains(t, err, "leads out of the root")
	}
}

// TestFindLong asks for a directory by a long path, which takes as many looks as the path
// has names. A look at each slash took half a minute.
func TestFindLong(t *testing.T) {
	root := tree(t)
	for _, more := range []string{"/", "./", "//."} {
		_, err := (&Config{Root: root}).find(variables(map[string]string{"PATH_INFO": "/sub/" + strings.Repeat(more, 120000/len(more))}))
		assert.ErrorContains(t, err, "sub is a directory")
	}
	_, err := (&Config{Root: root}).find(variables(map[string]string{"PATH_INFO": strings.Repeat("/sub/up", 10000)}))
	assert.ErrorContains(t, err, "too many symbolic links")
}

func variables(m map[string]string) (v vars) {
	for name, value := range m {
		v = append(v, scgi.Header{Name: name, Value: value})
	}
	return v
}

// TestFindLog checks that a path which a client made up doesn't write lines of the log.
func TestFindLog(t *testing.T) {
	root := tree(t)
	_, err := (&Config{Root: root}).find(variables(map[string]string{"PATH_INFO": "/x\nGET 200 \x1b[31m\"é\x9b\u009b"}))
	require.Error(t, err)
	assert.Equal(t, root+`/x\nGET 200 \x1b[31m"é\x9b\u009b does not exist`, problemOf(err).Text)
}
