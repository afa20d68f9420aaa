// Command gotest runs several "go test" at once, prints what they print without -v, and says in
// one last line which tests were skipped, and why, and which are left to others: its first
// argument. Each command begins with "--"; before its arguments stand the environment variables
// it adds:
//
//	gotest 'left to nobody: make tea' -- -race ./scgi/... -- SOCKETGI_SUITE=trixie ./units/e2e
//
// It ends with status 1 when a test failed, and, where CI=true, when one was skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// atOnce is how many commands run at the same time: each waits for a third of its time.
const atOnce = 3

func main() {
	s := &session{out: os.Stdout}
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, args := range commands(os.Args[1:]) {
		slots <- struct{}{}
		wg.Go(func() {
			s.run(args)
			<-slots
		})
	}
	wg.Wait()
	last := []string{s.summary()}
	if last[0] != "" {
		s.failed = s.failed || os.Getenv("CI") == "true"
	}
	if len(os.Args) > 1 && os.Args[1] != "--" {
		last = append(last, os.Args[1])
	}
	if line := strings.TrimPrefix(strings.Join(last, "; "), "; "); line != "" {
		fmt.Println(line)
	}
	if s.failed {
		os.Exit(1)
	}
}

// commands splits arguments at each "--".
func commands(args []string) (list [][]string) {
	for _, a := range args {
		if a == "--" {
			list = append(list, nil)
		} else if n := len(list); n > 0 {
			list[n-1] = append(list[n-1], a)
		}
	}
	return list
}

// session collects the results of all commands.
type session struct {
	mu      sync.Mutex
	out     io.Writer
	failed  bool
	skipped []skip
}

type skip struct{ test, reason string }

// run runs one command, with the tests' output as JSON. lint has run vet.
func (s *session) run(args []string) {
	env, n := os.Environ(), 0
	for ; n < len(args) && !strings.HasPrefix(args[n], "-") && strings.Contains(args[n], "="); n++ {
		env = append(env, args[n])
	}
	cmd := exec.Command("go", append([]string{"test", "-json", "-vet", "off", "-count", "1", "-timeout", "40m"}, args[n:]...)...)
	cmd.Dir = ".." // of this module
	cmd.Env, cmd.Stderr = env, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		s.read(stdout)
		err = cmd.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed = true
		fmt.Fprintf(s.out, "FAIL\tgo test %s: %v\n", strings.Join(args, " "), err)
	}
}

// event is a line of "go test -json" (go doc test2json).
type event struct{ Action, Package, Test, Output string }

// read prints the output of packages, and that of tests that failed.
func (s *session) read(r io.Reader) {
	outputs := map[string][]string{} // by package and test
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			s.print(lines.Text() + "\n")
			continue
		}
		key := e.Package + " " + e.Test
		switch {
		case e.Action == "build-output", e.Action == "output" && e.Test == "" && e.Output != "PASS\n":
			s.print(e.Output)
		case e.Action == "output" && !strings.HasPrefix(e.Output, "=== "):
			outputs[key] = append(outputs[key], e.Output)
		case e.Action == "fail" && e.Test != "":
			s.print(outputs[key]...)
		case e.Action == "skip" && e.Test != "":
			s.mu.Lock()
			s.skipped = append(s.skipped, skip{e.Test, reason(outputs[key])})
			s.mu.Unlock()
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			delete(outputs, key)
		}
	}
}

func (s *session) print(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		fmt.Fprint(s.out, line)
	}
}

var position = regexp.MustCompile(`^ *[\w.-]+\.go:\d+: `)

// reason returns the argument of t.Skip from the output of a test.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if position.MatchString(line) {
			return strings.TrimSpace(position.ReplaceAllString(line, ""))
		}
	}
	return "no reason given"
}

// summary is one line about all that was skipped, grouped by reason.
func (s *session) summary() string {
	tests := map[string][]string{}
	var reasons []string
	for _, k := range s.skipped {
		if tests[k.reason] == nil {
			reasons = append(reasons, k.reason)
		}
		tests[k.reason] = append(tests[k.reason], k.test)
	}
	if len(reasons) == 0 {
		return ""
	}
	slices.Sort(reasons)
	var parts []string
	for _, r := range reasons {
		list := slices.Compact(slices.Sorted(slices.Values(tests[r])))
		names := strings.Join(list[:min(3, len(list))], ", ")
		if len(list) > 3 {
			names += fmt.Sprintf(" and %d more", len(list)-3)
		}
		parts = append(parts, names+": "+r)
	}
	return fmt.Sprintf("skipped %d tests: %s", len(s.skipped), strings.Join(parts, "; "))
}
