package worker

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIsCacheFile(t *testing.T) {
	cfg := &Config{Python: "/usr/bin/python3"}
	for _, name := range []string{cacheName(cfg, "/srv", nil), cacheName(cfg, "/srv", nil) + ".code", "start-1f-2e", "start-1f-2e.code", "start-ffffffffffffffff-0"} {
		assert.True(t, IsCacheFile(name), name)
	}
	for _, name := range []string{"", "start", "start-1f", "start-1f-2g", "start-1f-2e.12", "start-1f-2e-3", "../start-1-1", "start--1", ".code"} {
		assert.False(t, IsCacheFile(name), name)
	}
}
