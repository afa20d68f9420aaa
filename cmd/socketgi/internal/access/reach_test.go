package access

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUnreachable checks a file of a group in LDAP, for a user in LDAP.
func TestUnreachable(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "getent"), []byte(`#!/bin/sh
case "$1 $3" in
"passwd ldapweb") echo "ldapweb:*:54321:54322:Web:/nonexistent:/bin/false" ;;
"initgroups ldapweb") echo "ldapweb 54322 54323" ;;
*) exit 2 ;;
esac
`), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		require.NoError(t, os.Chmod(p, 0o755))
	}
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o640))
	require.NoError(t, os.Chown(file, 0, 54323))
	assert.Empty(t, Unreachable(file, "ldapweb"))
	require.NoError(t, os.Chown(file, 0, 54399))
	assert.Equal(t, "ldapweb can't read "+file+": "+file+" has another owner and mode 0640", Unreachable(file, "ldapweb"))
	assert.Contains(t, Unreachable(file, ""), "the application's user can't read")
	assert.Contains(t, Unreachable(file, "nobody-there"), "no user nobody-there on this machine")
	assert.Empty(t, Unreachable(file, "root"))
	assert.Empty(t, Unreachable(file+"x", "ldapweb"), "it may be there later")
}
