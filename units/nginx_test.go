package units_test

import (
	"os"
	"testing"

	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNginxHost: a location written by hand has the same host as one of socketgi nginx.
func TestNginxHost(t *testing.T) {
	params, err := os.ReadFile("packaging/socketgi_params")
	require.NoError(t, err)
	assert.Contains(t, string(params), "\n"+units.NginxHost)
}
