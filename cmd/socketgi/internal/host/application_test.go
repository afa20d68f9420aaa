package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestFlag reads a command line as the adapter does: a switch takes no value.
func TestFlag(t *testing.T) {
	a := &Application{Exec: []string{"/usr/lib/socketgi/socketgi-adapter", "--reload", "--python", "/usr/bin/python3", "--workers=2", "/srv/app.py"}}
	assert.Equal(t, "true", a.Flag("reload"))
	assert.Equal(t, "/usr/bin/python3", a.Flag("python"))
	assert.Equal(t, "2", a.Flag("workers"))
	assert.Equal(t, []string{"/srv/app.py"}, a.Operands())
}
