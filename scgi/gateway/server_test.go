package gateway

import (
	"math"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// signalled is a process that notes which signals it gets.
type signalled struct {
	Process
	by []syscall.Signal
}

func (p *signalled) Signal(sig syscall.Signal) { p.by = append(p.by, sig) }

// TestServerStopsLateWorkers checks that a request that gets a slot only because a worker was
// stopped is told the same.
func TestServerStopsLateWorkers(t *testing.T) {
	s := &Server{}
	early, late := &signalled{}, &signalled{}
	told, forget := s.watch(early)
	assert.False(t, told.Load())
	s.requests.Add(1)
	go func() {
		for !told.Load() {
			runtime.Gosched()
		}
		forget()
		told, forget := s.watch(late)
		assert.True(t, told.Load())
		forget()
		s.requests.Done()
	}()
	s.drain(time.Millisecond)
	assert.Equal(t, []syscall.Signal{syscall.SIGTERM}, early.by)
	assert.Equal(t, []syscall.Signal{syscall.SIGTERM}, late.by)
	assert.Empty(t, s.running)
}

// TestServerNoProcesses checks that a user who may have few processes doesn't end the
// server, which needs a thread for each connection. root has no limit.
func TestServerNoProcesses(t *testing.T) {
	assert.Equal(t, maxConnections, mostConnections(math.MaxUint64))
	assert.Equal(t, 15, mostConnections(60))
	assert.Equal(t, 1, mostConnections(0))
	if os.Geteuid() == 0 {
		return // the rest is for other users
	}
	var own unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NPROC, &own))
	require.NoError(t, unix.Prlimit(0, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 40, Max: own.Max}, nil))
	defer func() { require.NoError(t, unix.Prlimit(0, unix.RLIMIT_NPROC, &own, nil)) }()
	assert.LessOrEqual(t, taskLimit(), uint64(40))
}

// TestServerKills checks that a worker which ignores SIGTERM ends while the unit can still
// tell its client.
func TestServerKills(t *testing.T) {
	s := &Server{}
	deaf := &signalled{}
	s.watch(deaf)
	s.requests.Add(1)
	go s.drain(time.Millisecond)
	assert.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(deaf.by) == 2 && deaf.by[1] == syscall.SIGKILL
	}, 60*time.Second, time.Millisecond)
	s.requests.Done()
}
