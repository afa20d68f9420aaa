package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
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

// This file is about what the programs are made of.

const repository = "../.."

// TestReproducible builds the programs here and in a copy elsewhere, and compares them byte by byte.
func TestReproducible(t *testing.T) {
	here, err := filepath.Abs(repository)
	require.NoError(t, err)
	elsewhere := filepath.Join(t.TempDir(), "another/and longer/folder")
	require.NoError(t, os.MkdirAll(elsewhere, 0o755))
	for _, part := range []string{"activation", "cmd", "scgi", "units", "go.mod", "go.sum", "Makefile", "CHANGELOG.md"} {
		out, err := exec.Command("cp", "-R", filepath.Join(here, part), elsewhere).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	var sums [2]map[string][sha256.Size]byte
	for i, dir := range []string{here, elsewhere} {
		to := t.TempDir()
		cmd := exec.Command("make", "-s", "build", "OUT="+to, "COMMIT=none")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "MAKEFLAGS=") // there is no git elsewhere
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		sums[i] = map[string][sha256.Size]byte{}
		for _, program := range []string{"socketgi", "socketgi-adapter"} {
			data, err := os.ReadFile(filepath.Join(to, program))
			require.NoError(t, err)
			assert.False(t, bytes.Contains(data, []byte(dir)), "%s knows where it was built", program)
			sums[i][program] = sha256.Sum256(data)
		}
	}
	assert.Equal(t, sums[0], sums[1])
}

// licences are how the text of one begins, or what stands in it.
var licences = map[string]string{
	"Apache-2.0":         `Apache License\s+Version 2\.0`,
	"BSD-2-Clause":       `Redistributions in binary form must\s+reproduce`,
	"BSD-3-Clause":       `Neither the name of`,
	"MIT":                `Permission is hereby granted, free of charge`,
	"MIT and Apache-2.0": `(?s)Permission is hereby granted, free of charge.*Apache License`,
}

// TestLicences compares the list of CONTRIBUTING with go.mod, and with the licences' texts
// as far as the modules are here.
func TestLicences(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join(repository, "go.mod")).Output()
	require.NoError(t, err)
	var mod struct{ Require []struct{ Path string } }
	require.NoError(t, json.Unmarshal(out, &mod))
	page, err := os.ReadFile(filepath.Join(repository, ".github/CONTRIBUTING.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n## Dependencies\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]string{}
	used := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^ |]+/[^ |]+) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(section, -1) {
		listed[m[1]], used[m[1]] = m[2], m[3]
	}
	modules := func(args ...string) []string {
		out, err := exec.Command("go", append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}, args...)...).Output()
		require.NoError(t, err)
		return strings.Fields(string(out))
	}
	inPrograms, inTests := modules("../socketgi", "../socketgi-adapter"), modules("-test", repository+"/...")
	for _, r := range mod.Require {
		licence, ok := listed[r.Path]
		if !assert.True(t, ok, "CONTRIBUTING's section Dependencies has no %s", r.Path) {
			continue
		}
		delete(listed, r.Path)
		want := "nothing on Linux"
		if slices.Contains(inPrograms, r.Path) {
			want = "the programs"
		} else if slices.Contains(inTests, r.Path) {
			want = "the tests"
		}
		assert.Equal(t, want, used[r.Path], r.Path)
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", r.Path).Output()
		require.NoError(t, err)
		texts, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "LICENSE*"))
		if len(texts) == 0 { // it is in go.mod for another system, and not fetched
			continue
		}
		text, err := os.ReadFile(texts[0])
		require.NoError(t, err)
		require.Contains(t, licences, licence, r.Path)
		assert.Regexp(t, licences[licence], string(text), r.Path)
	}
	assert.Empty(t, listed, "nothing depends on these any more")
}
