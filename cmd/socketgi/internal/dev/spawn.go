package dev

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner starts an adapter for each connection, as systemd does for an Accept=yes unit, and kills the remaining
// processes of a request when its adapter has ended.
type spawner struct {
	argv []string

	mu       sync.Mutex
	ended    bool
	adapters map[int]bool // their own goroutines wait for these
	wg       sync.WaitGroup
}

func newSpawner(argv []string) *spawner {
	// Orphans become children of this process, which finds them at its end.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return &spawner{argv: argv, adapters: map[int]bool{}}
}

// dial returns a connection to a new adapter.
func (s *spawner) dial(context.Context) (net.Conn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "connection"), os.NewFile(uintptr(pair[1]), "connection")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, os.Stderr, os.Stderr
	// A session of its own: only this process gets the terminal's signals, and the session identifies the
	// processes of the request.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		conn.Close()
		return nil, net.ErrClosed
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, err
	}
	s.adapters[cmd.Process.Pid] = true
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		_ = cmd.Wait() // its own log has the result
		s.mu.Lock()
		delete(s.adapters, cmd.Process.Pid)
		s.mu.Unlock()
		s.killAll(func(session int) bool { return session == cmd.Process.Pid })
	}()
	return conn, nil
}

// end kills all remaining processes, and waits for them.
func (s *spawner) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.killAll(func(int) bool { return true })
	s.wg.Wait()
	s.killAll(func(int) bool { return true })
}

// killAll kills the descendants of this process in the given sessions until there are none. It also reaps adopted
// processes of any session.
func (s *spawner) killAll(ends func(session int) bool) {
	for range 100 { // limited, because a program may fork faster than its processes are killed
		killed := 0
		for _, p := range descendants(os.Getpid()) {
			s.mu.Lock()
			adopted := p.parent == os.Getpid() && !s.adapters[p.pid]
			s.mu.Unlock()
			switch {
			case p.zombie && adopted:
				_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
				continue
			case p.zombie || !ends(p.session):
				continue
			}
			if syscall.Kill(p.pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
		if killed == 0 {
			return
		}
	}
}

type process struct {
	pid, parent, session int
	zombie               bool
}

// descendants lists the processes below pid, from /proc/PID/stat (proc(5)).
func descendants(root int) (found []process) {
	parents := map[int]int{}
	all := map[int]process{}
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue
		}
		// The name in parentheses may contain any character; the fields follow the last parenthesis.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
		f := strings.Fields(rest)
		if len(f) < 4 {
			continue
		}
		parents[pid], _ = strconv.Atoi(f[1])
		session, _ := strconv.Atoi(f[3])
		all[pid] = process{pid: pid, parent: parents[pid], session: session, zombie: f[0] == "Z"}
	}
	for pid, p := range all {
		for up := parents[pid]; up > 1; up = parents[up] {
			if up == root {
				found = append(found, p)
				break
			}
		}
	}
	return found
}
