package compose

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWebServer(t *testing.T) {
	root := t.TempDir()
	touch := func(path string) {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), nil, 0o644))
	}
	assert.Empty(t, WebServer(root))
	touch("run/nginx.pid") // of what was removed
	touch("usr/sbin/lighttpd")
	assert.Equal(t, "lighttpd", WebServer(root))
	touch("usr/sbin/httpd")
	assert.Equal(t, "apache", WebServer(root))
	touch("run/lighttpd.pid")
	assert.Equal(t, "lighttpd", WebServer(root), "it runs")
	touch("usr/sbin/nginx")
	assert.Equal(t, "nginx", WebServer(root))
}
