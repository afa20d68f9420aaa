package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRun writes the pages from measurements as the benchmarks write them.
func TestRun(t *testing.T) {
	dir, root := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		return string(text)
	}
	write(filepath.Join(dir, "about"), "machine: one\ncommit: abc\n")
	write(filepath.Join(dir, "plain"), "goos: linux\nBenchmarkStart/true-2   300   1100 ns/op\nok  x\n")
	line := func(app string) string {
		return `{"Benchmark":"Warm/rate/` + app + `","Suite":"trixie","System":"Debian's trixie (systemd 257)","Rounds":5,"Names":["socketgi","fresh","uwsgi","gunicorn"],
"Columns":["16: requests/s","16: cpu, µs"],"Medians":{"socketgi":{"16: requests/s":900,"16: cpu, µs":30},"fresh":{"16: requests/s":90},"uwsgi":{"16: requests/s":1200,"16: cpu, µs":15},"gunicorn":{"16: requests/s":450,"16: cpu, µs":60}}}` + "\n"
	}
	write(filepath.Join(dir, "figures.json"), line("hello")+line("flask")+line("django"))
	write(filepath.Join(root, "README.md"), "before\n<!-- figures -->\nold\n<!-- figures end -->\nafter\n")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "units/e2e/testdata"), 0o755))
	require.NoError(t, run(dir, root))

	assert.Equal(t, `before
<!-- figures -->
| processor time of a request, Debian's trixie (systemd 257) | socketgi | peer | ratio |
| --- | --- | --- | --- |
| script, warm | 30.00 µs | uWSGI: 15.00 µs | 2.00 |
| Flask, warm | 30.00 µs | uWSGI: 15.00 µs | 2.00 |
| Flask, warm | 30.00 µs | gunicorn: 60.00 µs | 0.50 |
<!-- figures end -->
after
`, read("README.md"))
	page := read("units/e2e/PERFORMANCE.md")
	assert.Contains(t, page, "- machine: one\n- commit: abc\n")
	assert.Contains(t, page, "Debian's trixie (systemd 257), 5 rounds:\n\n| | 16: requests/s | 16: cpu, µs |\n| --- | --- | --- |\n| socketgi | 900 | 30.00 |\n")
	assert.Contains(t, page, "| socketgi : fresh | 10.00 |  |\n| socketgi : uwsgi | 0.75 | 2.00 |\n")
	assert.Contains(t, page, "\n```\nBenchmarkStart/true-2   300   1100 ns/op\n```\n")
	assert.Contains(t, page, "](testdata/warm-trixie.svg)")
	assert.Contains(t, read("units/e2e/testdata/warm-trixie.svg"), `width="420.0"`)

	var tables strings.Builder
	require.NoError(t, printTables(&tables, dir))
	assert.Contains(t, tables.String(), "commit: abc\n\n## Warm/rate/hello: Debian's trixie (systemd 257), 5 rounds\n\n| | 16: requests/s |")

	write(filepath.Join(root, "README.md"), "no place\n")
	assert.Error(t, run(dir, root))
}
