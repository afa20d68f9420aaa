package child

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary a program that leaves its process group, or one that waits for
// a shell, in a group of its own, with a child.
func TestMain(m *testing.M) {
	if os.Getenv("HAVE_CHILD") == "1" {
		cmd := exec.Command("sh", "-c", "sleep 300 & echo $$ $!; read line")
		cmd.Stdin, cmd.Stdout, cmd.SysProcAttr = os.Stdin, os.Stdout, &syscall.SysProcAttr{Setpgid: true}
		_ = cmd.Run()
		os.Stdout.WriteString("waited\n")
		time.Sleep(5 * time.Minute)
	}
	if os.Getenv("LEAVE_GROUP") == "1" {
		group, err := syscall.Getpgid(os.Getppid())
		if err == nil {
			err = syscall.Setpgid(0, group)
		}
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.Close()
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

// leaver starts a program, and returns when it has left its process group.
func leaver(t *testing.T) *Process {
	t.Helper()
	from, to, err := os.Pipe()
	require.NoError(t, err)
	defer from.Close()
	defer to.Close()
	p, err := Start(os.Args[0], os.Args[:1], &Attr{Env: []string{"LEAVE_GROUP=1"}, Files: []uintptr{0, to.Fd(), 2}})
	require.NoError(t, err)
	to.Close()
	_, _ = from.Read(make([]byte, 1))
	group, err := syscall.Getpgid(p.pid)
	require.NoError(t, err)
	require.NotEqual(t, p.pid, group)
	return p
}

// TestLeftGroup checks that a process ends which is no longer in the group that it was
// given, and that waiting for it ends.
func TestLeftGroup(t *testing.T) {
	for name, end := range map[string]func(p *Process) outcome.Usage{
		"Kill": func(p *Process) outcome.Usage { return p.Kill() },
		"Wait": func(p *Process) outcome.Usage { return p.Wait(time.Now().Add(10 * time.Millisecond)) },
	} {
		p := leaver(t)
		ended := make(chan outcome.Usage)
		go func() { ended <- end(p) }()
		select {
		case usage := <-ended:
			assert.True(t, usage.Signaled(), name)
		case <-time.After(60 * time.Second):
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
			t.Error(name + " waits")
			<-ended
		}
		p.Close()
	}
}

// TestSignalBesideWait checks that a signal may come at any time, also from another
// goroutine, and also after wait4.
func TestSignalBesideWait(t *testing.T) {
	p, err := Start("/bin/sleep", []string{"sleep", "60"}, &Attr{Files: []uintptr{0, 1, 2}})
	require.NoError(t, err)
	defer p.Close()
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for range 100 {
			p.Signal(syscall.SIGTERM)
			time.Sleep(100 * time.Microsecond)
		}
	}()
	usage := p.Wait(time.Time{})
	assert.Equal(t, "died of SIGTERM", usage.Ending())
	wg.Wait()
}
