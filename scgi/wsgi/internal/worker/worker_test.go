package worker

import (
	"bytes"
	"os"
	"slices"
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
	p := &Parent{process: &process{Process: &child.Process{}, socket: w.fd}, workers: map[int]*Warm{}}
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

// TestBoardSealed tries to take the memory away that a worker shares with this process.
func TestBoardSealed(t *testing.T) {
	b, err := newBoard(4)
	require.NoError(t, err)
	defer b.close()
	assert.ErrorIs(t, unix.Ftruncate(b.fd, 0), unix.EPERM)
	assert.ErrorIs(t, unix.Ftruncate(b.fd, 1<<30), unix.EPERM)
}

// FuzzBoard has a worker write whatever it likes to the board: what is believed of it stays within
// what a request can be.
func FuzzBoard(f *testing.F) {
	ones := bytes.Repeat([]byte{0xff}, 600)
	f.Add([]byte{}, []byte{}, uint64(0))
	f.Add(ones, ones, uint64(1)<<63)
	f.Add([]byte{200}, ones, uint64(3))
	f.Add(slices.Concat([]byte{0xff, 0xff}, make([]byte, 8*wordPlaces-2), []byte{9}), []byte{200, 0, 1}, uint64(0))
	b, err := newBoard(4)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, head, record []byte, read uint64) {
		clear(b.mem)
		copy(b.mem, head[:min(len(head), boardHead)])
		copy(b.mem[boardHead:], record)
		copy(b.mem[boardPlaces:], record)
		b.read = read
		now := time.Now()
		s := b.state(now)
		assert.GreaterOrEqual(t, s.Begun, int64(0))
		assert.LessOrEqual(t, len(s.Requests), 4)
		var at []Served
		for _, r := range s.Requests {
			assert.True(t, r.Status == 0 || r.Status >= 100 && r.Status <= 999, "%d", r.Status)
			assert.False(t, r.Started.After(now))
			assert.GreaterOrEqual(t, r.Begun, int64(0))
			at = append(at, b.named(r))
		}
		list, leftOut := b.served()
		assert.LessOrEqual(t, len(list), boardRecords)
		assert.GreaterOrEqual(t, leftOut, 0)
		for _, r := range append(list, at...) {
			assert.True(t, r.Status == 0 || r.Status >= 100 && r.Status <= 999, "%d", r.Status)
			for _, n := range []int64{r.Bytes, r.Growth, int64(r.CPU), int64(r.Took)} {
				assert.GreaterOrEqual(t, n, int64(0))
			}
			assert.LessOrEqual(t, len(r.Method)+len(r.Path)+len(r.ID), boardRecord)
		}
		list, _ = b.served()
		assert.Empty(t, list, "each is read once")
	})
}

// TestDoorLies has a worker pass on what is no connection, or that it has done what none can do.
func TestDoorLies(t *testing.T) {
	d, err := NewDoor()
	require.NoError(t, err)
	defer d.Close()
	buf := make([]byte, 64<<10)
	_, err = d.Receive(buf)
	assert.ErrorIs(t, err, unix.EAGAIN)
	say(t, d.theirs, "", "S", "F 1 cut")
	for range 3 {
		_, err = d.Receive(buf)
		assert.ErrorIs(t, err, errNoConnection)
	}
	pass := func(message string, fds ...int) (Passed, error) {
		require.NoError(t, unix.Sendmsg(d.theirs, []byte(message), unix.UnixRights(fds...), nil, 0))
		return d.Receive(buf)
	}
	_, err = pass("S", d.ours, d.ours)
	assert.ErrorIs(t, err, errNoConnection, "one at a time")
	for message, expected := range map[string]Served{
		"F": {Result: outcome.Result{Problem: &outcome.Problem{Kind: outcome.Failed, Text: "the application's response is incomplete"}}},
		"F -1 whole 70000 -1 99999999999999999999 -1\nGET\x00/a\x00id\x00exception\nTraceback\nx": {
			Result: outcome.Result{End: outcome.Whole, CPU: 1 << 50 * time.Microsecond, Problem: &outcome.Problem{Kind: outcome.Failed, Text: "Traceback\nx"}},
			Method: "GET", Path: "/a", ID: "id"},
	} {
		p, err := pass(message, d.ours)
		require.NoError(t, err)
		unix.Close(p.FD)
		assert.Equal(t, &expected, p.Served, message)
	}
	p, err := pass("S", d.ours)
	require.NoError(t, err)
	unix.Close(p.FD)
	assert.Nil(t, p.Served)
	require.NoError(t, unix.Shutdown(d.theirs, unix.SHUT_RDWR))
	_, err = d.Receive(buf)
	assert.ErrorIs(t, err, unix.EPIPE)
}

// TestReportsOutOfRange has a worker report invalid numbers, and more than are kept.
func TestReportsOutOfRange(t *testing.T) {
	for message, expected := range map[string]outcome.Result{
		"D -1 whole":                   {End: outcome.Whole},
		"D 99999999999999999999 whole": {Bytes: 1 << 50, End: outcome.Whole},
		"D 7 1 whole 70000 -1 -1 -1":   {Bytes: 1, End: outcome.Whole},
		"D 7 1 whole 200 5 9223372036854775807 9223372036854775807": {Bytes: 1, End: outcome.Whole, Status: 200,
			CPU: 1 << 50 * time.Microsecond, Growth: 1 << 60},
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
	for _, message := range []string{"", "R", "L", "H 404", "E import\nno such module", "E exception\nx", "D 13 whole", "D 9 13 cut 200 1 2 3", "W x", "M /a\x001 2 3 4\x00", "H -1", "D"} {
		f.Add([]byte(message), []byte("D 1 none"))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var rep Report
		for _, message := range [][]byte{first, second} {
			report(&rep, message)
			assert.True(t, rep.Status == 0 || rep.Status >= 100 && rep.Status <= 999, "%d", rep.Status)
			for _, n := range []int64{rep.Bytes, rep.Growth, int64(rep.Took), int64(rep.CPU)} {
				assert.GreaterOrEqual(t, n, int64(0))
			}
			assert.Contains(t, []outcome.End{outcome.None, outcome.Whole, outcome.Cut, outcome.Left}, rep.End)
		}
	})
}
