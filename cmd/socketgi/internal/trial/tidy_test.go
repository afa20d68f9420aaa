package trial

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLeft: a trial that still runs, as of the doctor, is not tidied.
func TestLeft(t *testing.T) {
	cmd := exec.Command("true")
	require.NoError(t, cmd.Run())
	gone := strconv.Itoa(cmd.ProcessState.Pid())
	o, err := newOutlet(t.TempDir())
	require.NoError(t, err)
	defer o.close()
	assert.False(t, isLeftOutlet(filepath.Base(o.dir)))
	assert.True(t, isLeftOutlet(".socketgi-check-"+gone+"-123"))
	assert.True(t, isLeftOutlet(".socketgi-check-123456789"), "of a version that wrote no process id")
	assert.False(t, isLeftOutlet(".socketgi-verify-"+gone+"-123"))

	assert.False(t, isLeft((&Trial{name: "app"}).unit(), "app"))
	assert.True(t, isLeft("app@socketgi_check_"+gone+".service", "app"))
	assert.True(t, isLeft("app@check.service", "app"), "the caller has the lock")
	for _, unit := range []string{"app@.service", "app@socketgi_check.service", "app2@socketgi_check_" + gone + ".service", "app@socketgi_check_x.service"} {
		assert.False(t, isLeft(unit, "app"), unit)
	}
}
