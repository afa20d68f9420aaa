package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart times the bare start of the adapter, in turn with the shortest
// program in Go and in C (true), whole processes each.
//
//	go test ./cmd/socketgi-adapter -run '^$' -bench Start -benchtime 300x
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	build := func(name, pkg string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		text, err := cmd.CombinedOutput()
		require.NoError(b, err, "%s", text)
		return out
	}
	adapter, bare := build("adapter", "."), build("bare", "./testdata/bare.go")
	took := map[string][]time.Duration{}
	once := func(name string, arg ...string) {
		start := time.Now()
		require.NoError(b, exec.Command(name, arg...).Run())
		took[name] = append(took[name], time.Since(start))
	}
	b.ResetTimer()
	for range b.N {
		once(adapter, "--version")
		once(bare)
		once("true")
	}
	b.StopTimer()
	median := func(name string) float64 {
		slices.Sort(took[name])
		return float64(took[name][len(took[name])/2].Microseconds()) / 1000
	}
	b.ReportMetric(median(adapter), "ms-adapter")
	b.ReportMetric(median(bare), "ms-bare-go")
	b.ReportMetric(median("true"), "ms-true")
	b.ReportMetric(0, "ns/op")
}
