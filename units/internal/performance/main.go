// Command performance writes what make bench has measured: units/e2e/PERFORMANCE.md, its pictures, and
// the table of the README. Its argument is the directory with the measurements; with -tables it prints them instead.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	tables := flag.Bool("tables", false, "print the measurements as tables, and write nothing")
	flag.Parse()
	var err error
	if *tables {
		err = printTables(os.Stdout, flag.Arg(0))
	} else {
		err = run(flag.Arg(0), ".")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// run reads the measurements in dir, and writes the pages below the repository root.
func run(dir, root string) error {
	m, err := read(dir)
	if err != nil {
		return err
	}
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	const begin, end = "<!-- figures -->\n", "<!-- figures end -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return errors.New("README.md has no place for the figures")
	}
	pages := map[string]string{
		readme: before + begin + m.summary() + end + after,
		filepath.Join(root, "units/e2e/PERFORMANCE.md"): m.page(),
	}
	for _, suite := range m.suites() {
		if picture := m.picture(suite); picture != "" {
			pages[filepath.Join(root, "units/e2e/testdata", "warm-"+suite+".svg")] = picture
		}
	}
	for path, text := range pages {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// printTables writes all measurements in dir.
func printTables(w io.Writer, dir string) error {
	m, err := read(dir)
	if err != nil {
		return err
	}
	fmt.Fprint(w, m.about)
	for _, r := range m.results {
		fmt.Fprintf(w, "\n## %s: %s, %d rounds\n\n%s", r.Benchmark, r.System, r.Rounds, r.table())
	}
	return nil
}

// measured is all that one run of make bench has measured.
type measured struct {
	about   string // the machine, the commit and the date, a line each
	plain   string // the lines of benchmarks that need no systemd
	results []result
}

// result is one table of a benchmark of units/e2e, which has written it as a line of JSON.
type result struct {
	Benchmark, Suite, System string
	Rounds                   int
	Names, Columns           []string
	Medians                  map[string]map[string]float64 // by name and column; without those that weren't measured
}

func read(dir string) (m measured, err error) {
	about, err := os.ReadFile(filepath.Join(dir, "about"))
	if err != nil {
		return m, err
	}
	plain, err := os.ReadFile(filepath.Join(dir, "plain"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	m.about, m.plain = string(about), strings.Join(figure.FindAllString(string(plain), -1), "\n")
	f, err := os.Open(filepath.Join(dir, "figures.json"))
	if err != nil {
		return m, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var r result
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return m, err
		}
		m.results = append(m.results, r)
	}
}

// figure is a line of go test that has figures.
var figure = regexp.MustCompile(`(?m)^Benchmark\S+\s+\d.*|^.*of 1 GiB.*`)

// suites are those of the results, in the order of their measurement.
func (m *measured) suites() (all []string) {
	for _, r := range m.results {
		if !slices.Contains(all, r.Suite) {
			all = append(all, r.Suite)
		}
	}
	return all
}

// find returns the result of a benchmark on a suite, or nil.
func (m *measured) find(benchmark, suite string) *result {
	for i, r := range m.results {
		if r.Benchmark == benchmark && r.Suite == suite {
			return &m.results[i]
		}
	}
	return nil
}
