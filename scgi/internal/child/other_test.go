package child

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// grandchild starts a program that starts another one, in a group of its own, which has a child.
// End has that other one end, and its parent wait for it.
func grandchild(t *testing.T) (parent, pid, child int, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HAVE_CHILD=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = in.Close()
		_ = syscall.Kill(child, syscall.SIGKILL)
	})
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	a, b, _ := strings.Cut(lines.Text(), " ")
	pid, err = strconv.Atoi(a)
	require.NoError(t, err)
	child, err = strconv.Atoi(b)
	require.NoError(t, err)
	return cmd.Process.Pid, pid, child, func() {
		in.Close()
		require.True(t, lines.Scan())
	}
}

// TestChildOf accepts only children.
func TestChildOf(t *testing.T) {
	parent, pid, _, _ := grandchild(t)
	for _, other := range []int{-1, 0, 1, os.Getpid(), os.Getppid(), parent, 1 << 22} {
		o := ChildOf(parent, other)
		assert.Equal(t, -1, o.PidFD(), other)
		assert.True(t, o.Ended(), other)
		o.Signal(syscall.SIGKILL)
		o.WaitEnd()
		o.Close()
	}
	for _, other := range []int{-1, 0, 1, os.Getpid(), 1 << 22} {
		assert.False(t, inSession(other), other)
	}
	assert.True(t, inSession(pid))
	assert.Equal(t, -1, ChildOf(0, 1).PidFD())
	assert.Equal(t, -1, ChildOf(os.Getpid(), pid).PidFD(), "a grandchild")
	o := ChildOf(parent, pid)
	assert.False(t, o.Ended())
	o.Signal(syscall.SIGKILL)
	o.WaitEnd()
	assert.True(t, o.Ended())
	o.Close()
	o.Signal(syscall.SIGKILL)
}

// TestOtherGroup ends a group whose first process is gone, by what stands for that and for
// nobody else.
func TestOtherGroup(t *testing.T) {
	parent, pid, left, end := grandchild(t)
	o := ChildOf(parent, pid)
	defer o.Close()
	watch := ChildOf(pid, left)
	defer watch.Close()
	end()
	o.WaitEnd()
	require.False(t, watch.Ended())
	if err := unix.PidfdSendSignal(o.PidFD(), 0, nil, signalGroup); err == unix.EINVAL {
		o.Signal(syscall.SIGKILL)
		assert.False(t, watch.Ended(), "a kernel before 6.9 knows the group by a number alone, which may be another's")
		return
	}
	o.Signal(syscall.SIGKILL)
	watch.WaitEnd()
}

// TestReapEndsGroup has what is left of a group end with its process.
func TestReapEndsGroup(t *testing.T) {
	from, to, err := os.Pipe()
	require.NoError(t, err)
	defer from.Close()
	p, err := Start("/bin/sh", []string{"sh", "-c", "sleep 300 & sleep 300 & exit 3"}, &Attr{Env: os.Environ(), Files: []uintptr{0, to.Fd(), 2}})
	require.NoError(t, err)
	to.Close()
	defer p.Close()
	assert.Equal(t, 3, p.Wait(time.Time{}).Status.ExitStatus())
	require.NoError(t, from.SetReadDeadline(time.Now().Add(60*time.Second)))
	_, err = from.Read(make([]byte, 1))
	assert.ErrorContains(t, err, "EOF", "all that had it open have ended")
}
