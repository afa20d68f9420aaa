package e2e

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fault is a failure during continuous requests.
type fault struct {
	name string
	// begin causes the fault, and returns a function that ends it.
	begin func(s *site) (end func())
	// again, if not nil, is called repeatedly meanwhile.
	again func(s *site)
	every time.Duration
	// yes and no are the permitted statuses of requests, by Accept=.
	yes, no []string
}

// kill kills one of the machine's processes with that name.
func (s *site) kill(comm string) {
	var found []int
	for _, pid := range s.pids() {
		if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.TrimSpace(string(name)) == comm {
			found = append(found, pid)
		}
	}
	if len(found) > 0 {
		_ = syscall.Kill(found[rand.Intn(len(found))], syscall.SIGKILL)
	}
}

func nothing(*site) func() { return func() {} }

var faults = []fault{
	// A process that is about to become Python has the name of the adapter. If it is killed before it has
	// loaded the application, the next attempt follows half a second later.
	{name: "adapter killed", begin: nothing, every: 200 * time.Millisecond, again: func(s *site) { s.kill("socketgi-adapte") },
		yes: []string{"200", "502", "cut"}, no: []string{"200", "502", "503", "cut"}},
	{name: "Python killed", begin: nothing, every: 200 * time.Millisecond, again: func(s *site) { s.kill("python3") },
		yes: []string{"200", "502", "cut"}, no: []string{"200", "502", "503", "cut"}},
	{name: "disk full", begin: func(s *site) func() {
		_, _ = s.Try("sh", "-c", "for d in yes no; do cat /dev/zero > /var/lib/$d/full; done")
		return func() { s.Run("rm", "/var/lib/yes/full", "/var/lib/no/full") }
	}, yes: []string{"200", "500"}, no: []string{"200", "500"}},
	{name: "memory used up", begin: func(s *site) func() {
		group := s.control("memory")
		if group == "" {
			s.t.Log("nothing limits the memory here: what takes too much is killed all the same")
			return func() {}
		}
		limit := filepath.Join(group, "memory.limit_in_bytes")
		most := number(s.t, filepath.Join(group, "memory.usage_in_bytes")) + 80<<20
		require.NoError(s.t, os.WriteFile(limit, []byte(strconv.FormatInt(most, 10)), 0))
		return func() { require.NoError(s.t, os.WriteFile(limit, []byte("-1"), 0)) }
	}, every: 200 * time.Millisecond, again: func(s *site) {
		for _, app := range []string{"yes", "no"} {
			if status := s.status("/" + app + "/grow"); status != "502" {
				s.t.Logf("what took too much memory: %s", status)
			}
		}
	}, yes: []string{"200"}, no: []string{"200"}},
	{name: "daemon-reload", begin: nothing, every: 200 * time.Millisecond, again: func(s *site) { s.Run("systemctl", "daemon-reload") },
		yes: []string{"200"}, no: []string{"200"}},
	{name: "journald stopped", begin: func(s *site) func() {
		s.Run("systemctl", "kill", "-s", "STOP", "systemd-journald")
		return func() { s.Run("systemctl", "kill", "-s", "CONT", "systemd-journald") }
	}, yes: []string{"200"}, no: []string{"200"}},
	{name: "nginx reloaded", begin: nothing, every: 200 * time.Millisecond, again: func(s *site) { s.Run("systemctl", "reload", "nginx") },
		yes: []string{"200"}, no: []string{"200"}},
	{name: "socket stopped and started", begin: nothing, every: 200 * time.Millisecond, again: func(s *site) {
		s.Run("systemctl", "stop", "yes.socket", "no.socket")
		s.Run("systemctl", "start", "yes.socket", "no.socket")
	}, yes: []string{"200", "502"}, no: []string{"200", "502"}},
	{name: "no forks", begin: func(s *site) func() {
		group := s.control("pids")
		if group == "" {
			s.t.Log("nothing limits processes here")
			return func() {}
		}
		limit := filepath.Join(group, "pids.max")
		now := number(s.t, filepath.Join(group, "pids.current"))
		require.NoError(s.t, os.WriteFile(limit, []byte(strconv.FormatInt(now+8, 10)), 0))
		return func() { require.NoError(s.t, os.WriteFile(limit, []byte("max"), 0)) }
	}, yes: []string{"200", "502", "503"}, no: []string{"200", "502", "503"}},
}

// status requests a page, and returns the result.
func (s *site) status(path string) string {
	resp, err := s.client.Get("http://localhost" + path)
	if err != nil {
		if strings.HasSuffix(err.Error(), ": EOF") {
			return "cut"
		}
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "cut"
	}
	if resp.StatusCode == 200 && string(body) != "good" {
		return fmt.Sprintf("%d, %q", resp.StatusCode, body)
	}
	return strconv.Itoa(resp.StatusCode)
}

// steady sends requests at intervals until over is closed, and counts the results.
func (s *site) steady(path string, every time.Duration, over <-chan struct{}) map[string]int {
	counts := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	most := make(chan struct{}, 8) // no more wait at once: the test is about faults instead of load
	for {
		select {
		case <-over:
			wg.Wait()
			return counts
		case <-tick.C:
		}
		select {
		case most <- struct{}{}:
		default:
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			status := s.status(path)
			<-most
			mu.Lock()
			counts[status]++
			mu.Unlock()
		}()
	}
}

// held returns the number of open descriptors of the listening adapter, and its processes.
func (s *site) held() string {
	// A worker has a second pidfd if its parent was killed.
	fds := s.Run("sh", "-c", "ls -l /proc/$(systemctl show -p MainPID --value no.service)/fd | grep -vc pidfd")
	processes := s.Run("sh", "-c", "pgrep -c -x python3")
	return strings.TrimSpace(fds) + " descriptors, " + strings.TrimSpace(processes) + " processes"
}

// TestTortureFaults has each part around an application fail during continuous requests. A failed request has
// a status that reports it; afterwards the state is as before.
func TestTortureFaults(t *testing.T) {
	most, every := 600*time.Millisecond, 40*time.Millisecond // for each of two applications
	if torture() {
		most, every = 20*time.Second, 20*time.Millisecond
	}
	s := newSite(t)
	for _, name := range []string{"yes", "no"} {
		s.Run("mkdir", "-p", "/var/lib/"+name)
		s.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/var/lib/"+name)
	}
	s.serve("yes", "steady.py", "/yes", "--user", "www-data", "--state")
	s.serve("no", "steady.py", "/no", "--user", "www-data", "--state", "--accept", "no", "--workers", "2", "--idle-exit", "0")
	for _, unit := range []string{"yes@.service", "no.service"} {
		// A memory limit applies to the whole machine, and the kernel must not choose PID 1.
		s.Write("/etc/systemd/system/"+unit+".d/oom.conf", "[Service]\nOOMScoreAdjust=1000\n")
	}
	s.Run("systemctl", "daemon-reload")
	require.Equal(t, "200", s.status("/no"))
	resumed := func() error {
		for _, path := range []string{"/yes", "/no"} {
			if status := s.status(path); status != "200" {
				return errors.New(path + ": " + status)
			}
		}
		return nil
	}
	s.Wait("both to answer", resumed)
	before := ""
	s.Wait("all workers", func() error {
		if before = s.held(); !strings.HasSuffix(before, "3 processes") {
			return errors.New(before)
		}
		return nil
	})
	parent := t
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = parent }()
			over, yes := make(chan struct{}), make(chan map[string]int)
			no := make(chan map[string]int)
			end := f.begin(s)
			go func() { yes <- s.steady("/yes", every, over) }()
			go func() { no <- s.steady("/no", every, over) }()
			deadline := time.After(most)
			if f.again == nil {
				<-deadline
			} else {
				tick := time.NewTicker(f.every)
				defer tick.Stop()
				for ended := false; !ended; {
					select {
					case <-deadline:
						ended = true
					case <-tick.C:
						f.again(s)
					}
				}
			}
			end()
			ended := time.Now()
			s.Wait("both to answer", resumed)
			took := time.Since(ended)
			close(over)
			fromYes, fromNo := <-yes, <-no
			t.Logf("%s: Accept=yes %v, Accept=no %v, and again after %v", f.name, fromYes, fromNo, took.Round(time.Millisecond))
			if torture() {
				assert.Less(t, took, time.Second)
			}
			for status := range fromYes {
				assert.Contains(t, f.yes, status)
			}
			for status := range fromNo {
				assert.Contains(t, f.no, status)
			}
			assert.NotZero(t, fromYes["200"]+fromYes["500"])
			assert.NotZero(t, fromNo["200"]+fromNo["500"])
			s.nothingLeft(before)
		})
	}
	s.Run("systemctl", "stop", "no.socket", "no.service")
	s.allEnded("yes")
}

// nothingLeft checks that there are no new instances, slots, connections or processes.
func (s *site) nothingLeft(before string) {
	s.t.Helper()
	s.Wait("all instances to end", func() error {
		if out := s.Run("systemctl", "list-units", "--all", "--plain", "--no-legend", "yes@*"); out != "" {
			return errors.New(out)
		}
		return nil
	})
	s.Wait("the one that listens to be as it was", func() error {
		if now := s.held(); now != before {
			return fmt.Errorf("%s, and not %s", now, before)
		}
		return nil
	})
	assert.Empty(s.t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	assert.Contains(s.t, s.Run("/usr/local/bin/socketgi", "status", "yes"), "0 of 10 in use")
	sockets := s.Run("cat", "/proc/net/unix")
	for _, name := range []string{"yes", "no"} {
		assert.Equal(s.t, 1, strings.Count(sockets, "/run/socketgi/"+name+".sock"), "%s listens, and no connection is left", name)
	}
}
