package main

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmeSize keeps the README one that is read in one sitting; the manual has the rest.
func TestReadmeSize(t *testing.T) {
	info, err := os.Stat(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(12<<10))
}

// TestPages checks that the commands and options exist which the README and the manual pages name.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("../internal/manual/*.md")
	require.NoError(t, err)
	options := regexp.MustCompile(`(?:^|[\s(])--([a-z][a-z-]+)`)
	all := map[string]bool{"help": true, "version": true}
	for _, o := range adapterOptions() {
		all[o] = true
	}
	walk(newCommand(), func(c *cobra.Command) {
		for _, m := range options.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
			all[m[1]] = true
		}
	})
	for _, page := range append(pages, filepath.Join(repository, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", ""), "\n") {
			for _, m := range regexp.MustCompile(`(?:^ {4}(?:sudo )?|`+"`"+`)socketgi ([a-z]+)([^`+"`"+`|>]*)`).FindAllStringSubmatch(line, -1) {
				c, _, err := newCommand().Find([]string{m[1]})
				if !assert.NoError(t, err, "%s: %s", page, line) {
					continue
				}
				arguments, _, _ := strings.Cut(m[2], " -- ")
				for _, o := range options.FindAllStringSubmatch(arguments, -1) {
					assert.NotNil(t, c.Flags().Lookup(o[1]), "%s: socketgi %s has no --%s", page, m[1], o[1])
				}
			}
			for _, m := range regexp.MustCompile(`\*\*--([a-z-]+)`).FindAllStringSubmatch(line, -1) {
				assert.True(t, all[m[1]], "%s: no program has --%s", page, m[1])
			}
		}
	}
}

// TestVoice checks that the texts which CONTRIBUTING recommends are in the tree.
func TestVoice(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, ".github/CONTRIBUTING.md"))
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(page), "| not | but |\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	wanted := map[string]bool{}
	for _, m := range regexp.MustCompile("\\| `(.*)` \\|").FindAllStringSubmatch(table, -1) {
		wanted[m[1]] = true
	}
	require.GreaterOrEqual(t, len(wanted), 12)
	require.NoError(t, filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == ".github" || path == filepath.Join(repository, "bin")) {
			return filepath.SkipDir
		}
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		joined := strings.Join(strings.Fields(string(text)), " ")
		for phrase := range wanted {
			if strings.Contains(joined, phrase) {
				delete(wanted, phrase)
			}
		}
		return err
	}))
	assert.Empty(t, wanted)
}

// adapterOptions are those of the adapter.
func adapterOptions() (names []string) {
	adapter.FlagSet().VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// walk calls visit for a command and all below it.
func walk(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		walk(sub, visit)
	}
}
