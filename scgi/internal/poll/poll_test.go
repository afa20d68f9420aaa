package poll

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func pipe(t *testing.T) (fds []unix.PollFd, to int) {
	t.Helper()
	var p [2]int
	require.NoError(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return []unix.PollFd{{Fd: int32(p[0]), Events: unix.POLLIN}}, p[1]
}

// TestDeadline states the rule: nothing is reported before the deadline unless it is there, and
// what is there is seen although the deadline is past.
func TestDeadline(t *testing.T) {
	fds, to := pipe(t)
	for _, wait := range []time.Duration{-time.Hour, 0, time.Nanosecond, 900 * time.Microsecond, 1500 * time.Microsecond} {
		deadline := time.Now().Add(wait)
		n, err := Until(fds, deadline)
		require.NoError(t, err)
		assert.Zero(t, n)
		assert.False(t, time.Now().Before(deadline), "%s", wait)
	}
	n, err := Now(fds)
	require.NoError(t, err)
	assert.Zero(t, n)

	_, err = unix.Write(to, []byte("x"))
	require.NoError(t, err)
	for _, deadline := range []time.Time{{}, time.Unix(0, 0), time.Now(), time.Now().Add(math.MaxInt64)} {
		fds[0].Revents = 0
		n, err := Until(fds, deadline)
		require.NoError(t, err)
		assert.Equal(t, 1, n, deadline)
		assert.EqualValues(t, unix.POLLIN, fds[0].Revents)
	}
	n, err = Now(fds)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

// TestSignal interrupts a wait, which goes on.
func TestSignal(t *testing.T) {
	for name, deadline := range map[string]time.Time{"none": {}, "a deadline": time.Now().Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			fds, to := pipe(t)
			thread, over := make(chan int), make(chan error)
			var n int
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				thread <- unix.Gettid()
				var err error
				n, err = Until(fds, deadline)
				over <- err
			}()
			tid := <-thread
			for range 3 {
				asleep(t, tid, over)
				require.NoError(t, unix.Tgkill(os.Getpid(), tid, unix.SIGURG))
			}
			asleep(t, tid, over)
			_, err := unix.Write(to, []byte("x"))
			require.NoError(t, err)
			require.NoError(t, <-over)
			assert.Equal(t, 1, n)
		})
	}
}

// asleep waits until a thread is in ppoll(2).
func asleep(t *testing.T, tid int, over chan error) {
	t.Helper()
	for {
		call, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(tid) + "/syscall")
		require.NoError(t, err)
		if number, _, _ := strings.Cut(string(call), " "); number == strconv.Itoa(unix.SYS_PPOLL) {
			return
		}
		select {
		case err := <-over:
			require.FailNow(t, "the wait is over", err)
		default:
			runtime.Gosched()
		}
	}
}

func TestNoDescriptor(t *testing.T) {
	_, err := Until(make([]unix.PollFd, 1<<21), time.Unix(0, 0))
	assert.ErrorIs(t, err, unix.EINVAL, "more than RLIMIT_NOFILE")
}
