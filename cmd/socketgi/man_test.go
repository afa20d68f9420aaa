package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestManual checks that the pages tell of every command and every flag, and that mandoc
// has nothing against them.
func TestManual(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":"+adapterDir)
	dir := filepath.Join(t.TempDir(), "man")
	root := newCommand()
	root.SetArgs([]string{"man", "--date", "2026-11-22", dir})
	require.NoError(t, root.Execute())

	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		text := rendered(t, filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		c.Flags().VisitAll(func(f *pflag.Flag) {
			assert.Regexp(t, `(?m)^ +(-\w, )?--`+f.Name+`\b`, text, c.CommandPath())
		})
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				assert.Contains(t, text, "socketgi-"+sub.Name()+"(1)")
				check(sub)
			}
		}
	}
	check(root)
	assert.Contains(t, rendered(t, filepath.Join(dir, "socketgi-get.1")), "22 for a status of 400 or more", "its exit status")

	assert.Contains(t, rendered(t, filepath.Join(dir, "socketgi-doctor.1")), "socketgi-errors(7)")
	all, err := filepath.Glob(dir + "/*")
	require.NoError(t, err)
	for _, page := range all {
		for _, m := range regexp.MustCompile(`\b(socketgi[a-z-]*)\((\d)\)`).FindAllStringSubmatch(rendered(t, page), -1) {
			assert.FileExists(t, filepath.Join(dir, m[1]+"."+m[2]), "%s refers to it", page)
		}
	}

	help, err := exec.Command(filepath.Join(adapterDir, adapter.Program), "--help").Output()
	require.NoError(t, err)
	flags := regexp.MustCompile(`(?m)^  --(\S+)`).FindAllStringSubmatch(string(help), -1)
	require.Greater(t, len(flags), 20)
	text := rendered(t, filepath.Join(dir, "socketgi-adapter.8"))
	for _, f := range flags {
		assert.Regexp(t, `(?m)^ +--`+f[1]+`\b`, text)
	}
	assert.NotContains(t, text, "OPTIONS-OF-THE-ADAPTER")
	assert.Contains(t, text, "(default one per processor)", "and not the number of this machine's")
	assert.Contains(t, rendered(t, filepath.Join(dir, "socketgi.7")), "python3 hello.py   answers, and ends", "the drawing is there")

	pages, err := filepath.Glob(dir + "/*")
	require.NoError(t, err)
	out, err := exec.Command("mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// TestJournalFields checks that socketgi-errors(7) has all fields of the journal, and no others.
func TestJournalFields(t *testing.T) {
	source, err := os.ReadFile("../internal/adapter/journal.go")
	require.NoError(t, err)
	page, err := os.ReadFile("../internal/manual/socketgi-errors.7.md")
	require.NoError(t, err)
	fields := func(text []byte) map[string]bool {
		all := map[string]bool{}
		for _, name := range regexp.MustCompile(`SOCKETGI_[A-Z_]+`).FindAllString(strings.ReplaceAll(string(text), `\`, ""), -1) {
			all[name] = true
		}
		return all
	}
	assert.Equal(t, fields(source), fields(page))
}

// rendered is a page as man(1) shows it, without bold letters.
func rendered(t *testing.T, page string) string {
	t.Helper()
	if _, err := exec.LookPath("mandoc"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mandoc is missing: make test installs it")
		}
		t.Skip("mandoc is missing: make test installs it")
	}
	out, err := exec.Command("mandoc", "-T", "utf8", "-O", "width=200", page).Output()
	require.NoError(t, err)
	return string(regexp.MustCompile(`.\x08`).ReplaceAll(bytes.ReplaceAll(out, []byte("\u2010"), []byte("-")), nil))
}
