package dev

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOriginForm(t *testing.T) {
	for target, want := range map[string]string{
		"/a?b": "/a?b", "http://h/a?b": "/a?b", "http://h": "/", "http://h?b": "/?b", "/a://b": "/a://b", "*": "*",
	} {
		assert.Equal(t, want, originForm(target), target)
	}
}

// FuzzMergedPath: a merged path is merged to itself, and leads where it does in a file system.
func FuzzMergedPath(f *testing.F) {
	for _, seed := range []string{"/", "/a//b/../c/.", "/..", "", "a", "/a/...", "/a/../..", "/\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		merged, ok := mergedPath(p)
		if !ok {
			return
		}
		again, ok := mergedPath(merged)
		assert.True(t, ok)
		assert.Equal(t, merged, again)
		assert.Equal(t, path.Clean(p), path.Clean(merged))
		assert.NotContains(t, merged, "//")
		last := p[strings.LastIndexByte(p, '/')+1:]
		assert.Equal(t, last == "" || last == "." || last == "..", strings.HasSuffix(merged, "/"), "a folder is one")
	})
}
