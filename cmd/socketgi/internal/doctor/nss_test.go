package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAccountsOfNSS has users that only getent(1) knows, such as those of LDAP: they are not reported as
// unknown.
func TestAccountsOfNSS(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "getent"), []byte(`#!/bin/sh
test "$1 $3" = "passwd ldapweb" && echo "ldapweb:*:54321:54322:Web:/nonexistent:/bin/false"
`), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	assert.Equal(t, "54321", userID("ldapweb"))
	assert.Equal(t, "54322", groupID("", "ldapweb"))
	w := &webServer{user: &access.Rights{Name: "ldapweb"}}
	w.findUser()
	require.NoError(t, w.userErr)
	assert.Equal(t, 54321, w.user.UID)
	_, err := access.RightsOf("nobody-there", "")
	assert.EqualError(t, err, "there is no user nobody-there")
}
