package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAccountsOfNSS has getent(1) know a user and a group that are in no file, as of LDAP:
// the doctor knows them, too.
func TestAccountsOfNSS(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "getent"), []byte(`#!/bin/sh
case "$1 $3" in
"passwd ldapweb"|"passwd 54321") echo "ldapweb:*:54321:54322:Web:/nonexistent:/bin/false" ;;
"group ldapgroup"|"group 54322") echo "ldapgroup:*:54322:" ;;
"initgroups ldapweb") echo "ldapweb               54322 54323" ;;
*) exit 2 ;;
esac
`), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	id, err := access.RightsOf("ldapweb", "")
	require.NoError(t, err)
	assert.Equal(t, access.Rights{Name: "ldapweb", UID: 54321, GID: 54322, Groups: []int{54322, 54323}}, *id)
	assert.Equal(t, "54321", userID("ldapweb"))
	assert.Equal(t, "54322", groupID("ldapgroup", ""))
	assert.Equal(t, "54322", groupID("", "ldapweb"))
	w := &webServer{user: &access.Rights{Name: "ldapweb"}}
	w.findUser()
	require.NoError(t, w.userErr, "it is not warned of as unknown")
	assert.Equal(t, 54321, w.user.UID)
	_, err = access.RightsOf("nobody-there", "")
	assert.Error(t, err)
}
