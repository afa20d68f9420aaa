package account

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withNSS is a getent(1) that knows a user and a group which are in no file, as of LDAP.
const withNSS = `#!/bin/sh
case "$1 $3" in
"passwd ldapweb"|"passwd 54321") echo "ldapweb:*:54321:54322:Web:/nonexistent:/bin/false" ;;
"group ldapgroup"|"group 54322") echo "ldapgroup:*:54322:" ;;
"initgroups ldapweb") echo "ldapweb               54322 54323" ;;
*) exit 2 ;;
esac
`

// TestNSS: all that this package finds, it finds of LDAP, too.
func TestNSS(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "getent"), []byte(withNSS), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, name := range []string{"ldapweb", "54321"} {
		u, ok := FindUser("", name)
		assert.True(t, ok, name)
		assert.Equal(t, User{"ldapweb", 54321, 54322}, u)
		assert.Equal(t, []int{54322, 54323}, u.Groups())
	}
	g, ok := FindGroup("", "ldapgroup")
	assert.True(t, ok)
	assert.Equal(t, Group{"ldapgroup", 54322}, g)
	assert.Equal(t, "ldapweb", UserName(54321))
	assert.Equal(t, "ldapgroup", GroupName(54322))
	assert.Equal(t, "54399", UserName(54399))
	assert.NoError(t, Check("", "ldapweb", "ldapgroup"))
	assert.ErrorContains(t, Check("", "nobody-there", ""), "no user nobody-there on this machine: adduser")
	_, ok = FindUser(t.TempDir(), "ldapweb")
	assert.False(t, ok, "another system has other sources")
}

// TestFiles looks accounts up in the files of another system.
func TestFiles(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbroken:x:y:z:::\nshort:x:7\nnginx:x:101:102::/:/bin/false\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/group"), []byte("nginx:x:102:\nhttp:x:103:\n"), 0o644))
	for name, want := range map[string]User{"toor": {"toor", 0, 0}, "0": {"root", 0, 0}, "101": {"nginx", 101, 102}, "broken": {}, "short": {}, "": {}, "none": {}} {
		u, ok := FindUser(root, name)
		assert.Equal(t, want.Name != "", ok, name)
		if ok {
			assert.Equal(t, want, u)
		}
	}
	assert.Equal(t, "nginx", WebGroup(root))
	assert.Equal(t, "www-data", WebGroup(t.TempDir()))
	u, ok := WebUser(root, "102")
	assert.True(t, ok)
	assert.Equal(t, 101, u.UID)
	_, ok = WebUser(root, "http")
	assert.False(t, ok, "there is a group of that name, and no user")
	assert.ErrorContains(t, Check(root, "nginx", "web"), "no group web in "+root+": use --group")
}
