package wsgi

import (
	"testing"

	"github.com/socketgi/socketgi/scgi/child"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// reports returns a worker whose process is the test, and its end of the job socket.
func reports(t *testing.T) (*Worker, int) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	return &Worker{&child.Process{}, jobSocket{pair[0], -1}}, pair[1]
}

func say(t *testing.T, fd int, messages ...string) {
	for _, m := range messages {
		require.NoError(t, unix.Send(fd, []byte(m), 0))
	}
}

// TestReportWithoutJob has a worker end before it took its job: the kernel resets the
// socket then, and what the worker said comes after that.
func TestReportWithoutJob(t *testing.T) {
	w, worker := reports(t)
	require.NoError(t, unix.Send(w.fd, []byte("the job"), 0))
	say(t, worker, "E import\nno such module")
	require.NoError(t, unix.Close(worker))
	var res Report
	done, _ := w.drain(&res)
	assert.True(t, done)
	require.NotNil(t, res.Problem)
	assert.Equal(t, "no such module", res.Problem.Text)
	assert.Equal(t, child.None, res.End)
}

func TestReports(t *testing.T) {
	w, worker := reports(t)
	say(t, worker, "H 404", "", "garbage", "D 13 whole")
	var res Report
	done, closed := w.drain(&res)
	assert.True(t, done, "an empty report is no end")
	assert.False(t, closed)
	assert.Equal(t, child.Result{Status: 404, Bytes: 13, End: child.Whole}, res.Result)

	w, worker = reports(t)
	say(t, worker, "H 200")
	require.NoError(t, unix.Close(worker))
	res = Report{}
	done, closed = w.drain(&res)
	assert.False(t, done)
	assert.True(t, closed)
	assert.Equal(t, child.Cut, res.End, "the head is out and nobody said that it went well")
}
