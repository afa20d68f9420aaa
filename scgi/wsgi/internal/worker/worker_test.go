package worker

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// reports returns a worker whose process is the test, and its end of the job socket.
func reports(t *testing.T) (*Single, int) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	return &Single{&child.Process{}, jobSocket{pair[0], -1}}, pair[1]
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
	assert.Equal(t, outcome.None, res.End)
}

func TestReports(t *testing.T) {
	w, worker := reports(t)
	say(t, worker, "H 404", "", "garbage", "D 13 whole")
	var res Report
	done, closed := w.drain(&res)
	assert.True(t, done, "an empty report is no end")
	assert.False(t, closed)
	assert.Equal(t, outcome.Result{Status: 404, Bytes: 13, End: outcome.Whole}, res.Result)

	w, worker = reports(t)
	say(t, worker, "H 200")
	require.NoError(t, unix.Close(worker))
	res = Report{}
	done, closed = w.drain(&res)
	assert.False(t, done)
	assert.True(t, closed)
	assert.Equal(t, outcome.Cut, res.End, "the head is out and nobody said that it went well")
}

// TestParentLies has a parent say what it was not asked for, and name processes that are not its
// own: they are nobody's to signal.
func TestParentLies(t *testing.T) {
	w, parent := reports(t)
	board, err := NewBoard()
	require.NoError(t, err)
	p := &Parent{process: &process{Process: &child.Process{}, socket: w.fd}, board: board, workers: map[int]*Warm{}}
	say(t, parent, "", "P 1", "P", "N", "X", "X 1 0 0 0", "X 1 2 3 4 5", "R", "H 200", "garbage", "P 99999999999999999999")
	buf := make([]byte, 64<<10)
	forked, alive := p.Handle(buf)
	assert.Empty(t, forked)
	assert.True(t, alive, "an empty message is no end")

	for range 7 {
		require.NoError(t, p.Fork())
	}
	me := strconv.Itoa(os.Getpid())
	say(t, parent, "P 1", "P 0", "P -1", "P x", "P "+me, "X "+me+" 0 0 0", "P "+strconv.Itoa(os.Getppid()), "N no room")
	forked, alive = p.Handle(buf)
	assert.True(t, alive)
	require.Len(t, forked, 7)
	for _, f := range forked[:6] {
		require.NotNil(t, f.Worker)
		assert.Equal(t, -1, f.Worker.PidFD(), "it counts as one that has ended")
		f.Worker.Kill()
		f.Worker.Close()
	}
	assert.Contains(t, forked[6].Problem.Text, "no room")

	require.NoError(t, p.Fork())
	for range 10 {
		for range 100 {
			say(t, parent, "W x")
		}
		_, alive = p.Handle(buf)
		assert.True(t, alive)
		for n := 0; n < 100; n += mostNext { // what is left
			p.Handle(buf)
		}
	}
	require.NoError(t, unix.Shutdown(parent, unix.SHUT_RDWR))
	forked, alive = p.Handle(buf)
	assert.False(t, alive)
	require.Len(t, forked, 1)
	assert.NotNil(t, forked[0].Problem)
}

// TestBoardSealed tries to take the memory away that workers share with this process.
func TestBoardSealed(t *testing.T) {
	board, err := NewBoard()
	require.NoError(t, err)
	assert.ErrorIs(t, unix.Ftruncate(board.fd, 0), unix.EPERM)
	assert.ErrorIs(t, unix.Ftruncate(board.fd, 1<<30), unix.EPERM)
	place, err := board.take()
	require.NoError(t, err)
	*board.word(place) = ^uint64(0)
	_, status := board.read(place)
	assert.Zero(t, status, "65535 is no status")
}

// TestReportsOutOfRange has a worker say numbers that mean nothing, and more than anybody hears.
func TestReportsOutOfRange(t *testing.T) {
	for message, expected := range map[string]outcome.Result{
		"D -1 whole":                   {End: outcome.Whole},
		"D 99999999999999999999 whole": {Bytes: 1 << 50, End: outcome.Whole},
		"D 1 whole 70000 -1 -1 -1":     {Bytes: 1, End: outcome.Whole},
		"D 1 whole 200 9223372036854775807 9223372036854775807 1": {Bytes: 1, End: outcome.Whole, Status: 200,
			CPU: 1 << 50 * time.Microsecond, Growth: 1 << 60, Resident: 1 << 10},
	} {
		var rep Report
		assert.True(t, report(&rep, []byte(message)))
		assert.Equal(t, expected, rep.Result, message)
	}
	var rep Report
	for range 1000 {
		report(&rep, []byte("W x"))
		report(&rep, []byte("M "+strings.Repeat("/\x00x\x00", 1000)))
	}
	assert.LessOrEqual(t, len(rep.Warnings), mostWarnings)
	assert.LessOrEqual(t, len(rep.Files), mostFiles+1000)
}

// FuzzReport has an application write to the job socket whatever it likes: what is believed of
// it stays within what a response can be.
func FuzzReport(f *testing.F) {
	for _, message := range []string{"", "R", "L", "H 404", "E import\nno such module", "E exception\nx", "D 13 whole", "D 13 cut 200 1 2 3", "W x", "M /a\x001 2 3 4\x00", "H -1", "D"} {
		f.Add([]byte(message), []byte("D 1 none"))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var rep Report
		for _, message := range [][]byte{first, second} {
			report(&rep, message)
			assert.True(t, rep.Status == 0 || rep.Status >= 100 && rep.Status <= 999, "%d", rep.Status)
			for _, n := range []int64{rep.Bytes, rep.Growth, rep.Resident, int64(rep.CPU)} {
				assert.GreaterOrEqual(t, n, int64(0))
			}
			assert.Contains(t, []outcome.End{outcome.None, outcome.Whole, outcome.Cut, outcome.Left}, rep.End)
		}
	})
}
