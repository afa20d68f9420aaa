package passwd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	require.NoError(t, os.WriteFile(path, []byte("root:x:0:0::/:\n\n:x:5:5::/:\nbad:x:y:5::/:\nshort:x\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin"), 0o600))
	got, err := UIDs(path, []string{"www-data", "root"})
	require.NoError(t, err)
	assert.Equal(t, []uint32{33, 0}, got)
	for _, in := range []string{"", "nobody-there", "bad", "short", "33"} {
		_, err := UIDs(path, []string{"www-data", in})
		assert.ErrorContains(t, err, "has no user", in)
	}
	_, err = UIDs(path+"x", []string{"root"})
	assert.ErrorIs(t, err, os.ErrNotExist)
}
