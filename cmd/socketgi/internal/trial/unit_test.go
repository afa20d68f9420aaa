package trial

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWithCheck(t *testing.T) {
	for exec, want := range map[string]string{
		"/a/adapter --x 1 app.py":      "/a/adapter --check --x 1 app.py",
		"/a/adapter":                   "/a/adapter --check",
		`"/a b/adapter" app.py`:        `"/a b/adapter" --check app.py`,
		`/a\x20b/adapter 'x y'`:        `/a\x20b/adapter --check 'x y'`,
		"-/a/adapter  x":               "-/a/adapter --check x",
		"@/a/adapter name app.py":      "@/a/adapter name --check app.py",
		"/a/adapter \\\n --x app.py":   "/a/adapter --check --x app.py",
		"-@/a/adapter 'a name' x.py":   "-@/a/adapter 'a name' --check x.py",
		"/a/adapter --python '/x y' z": "/a/adapter --check --python '/x y' z",
	} {
		got, err := withCheck(exec)
		assert.NoError(t, err)
		assert.Equal(t, strings.Join(strings.Fields(want), " "), strings.Join(strings.Fields(got), " "))
	}
	_, err := withCheck(" ")
	assert.Error(t, err)
}

func TestWithout(t *testing.T) {
	assert.Equal(t, "[Unit]\nAfter=a.socket\n[Service]\nUser=x\n",
		without("[Unit]\nRequires=a.socket\nAfter=a.socket\nWants = b \\\n  c\\\n d\n[Service]\nSockets=a.socket\nUser=x\n[X-Socketgi]\nApplication=a", ties))
	assert.Equal(t, "[Service]\nUser=x\n", without("[Service]\nSlice=a.slice\nUser=x", append(ties, "Slice")))
}
