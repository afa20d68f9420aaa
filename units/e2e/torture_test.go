package e2e

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTorture runs the adapter's own torture tests on a socket of systemd, where each connection is a process
// with a sandbox.
func TestTorture(t *testing.T) {
	if !torture() {
		t.Log("make torture does this: the adapter's own tests have most of it in short")
		return
	}
	s := newSite(t)
	s.Install("../../cmd/socketgi-adapter/testdata/torture.py", "/srv/torture.py", 0o644)
	for name, flags := range map[string][]string{"each": nil, "stays": {"--accept", "no"}} {
		s.place(append([]string{name, "/srv/torture.py", "--python", "/usr/bin/python3", "--timeout", "10s", "--user", "www-data"}, flags...), []string{name, "--mount", "/" + name})
		s.start(name)
		cmd := exec.Command("go", "test", ".", "-count=1", "-run", "^TestTortureSocket$", "-v", "-timeout", "20m")
		cmd.Dir = "../../cmd/socketgi-adapter"
		cmd.Env = append(os.Environ(), "SOCKETGI_TORTURE_SOCKET="+s.Path("/run/socketgi/"+name+".sock"))
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s", out)
		t.Logf("%s", out)
		assert.Equal(t, "active\n", s.Run("systemctl", "is-active", name+".socket"))
	}
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}

// torture reports whether make torture runs the tests: it prolongs tests that look for rare failures.
func torture() bool { return os.Getenv("SOCKETGI_TORTURE") != "" }

// times returns a number of repetitions: often in make torture, else seldom.
func times(seldom, often int) int {
	if torture() {
		return often
	}
	return seldom
}
