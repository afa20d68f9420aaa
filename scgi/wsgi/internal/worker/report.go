package worker

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Report is what a worker says of a job, or when it can take one.
type Report struct {
	outcome.Result
	// Kind is the letter of the last message, where that is a report of its own (runtime/accept.py).
	Kind byte
	// Job is the number of the one that is done, of a worker that takes many.
	Job uint32
	// Took is how long that took.
	Took time.Duration
	// Failed is a request whose connection the application has closed.
	Failed *Served
	// Files are those that modules were loaded from of which it had not spoken before
	// ([WarmConfig].Files).
	Files []File
	// Settled says that the application was loaded without a job, and that another start would add
	// nothing to the cache.
	Settled bool
	// Warnings are sentences about what workers of a [Parent] had better not share.
	Warnings []string
}

// endings are what a worker calls them.
var endings = map[string]outcome.End{"whole": outcome.Whole, "left": outcome.Left, "cut": outcome.Cut, "none": outcome.None}

// mostFiles is how many files, and mostWarnings how many warnings, a worker is heard of.
const (
	mostFiles    = 1 << 16
	mostWarnings = 100
)

// report takes in one report; the last one says that the job is done. Whatever an
// application can write to its descriptors may come here.
func report(r *Report, msg []byte) (done bool) {
	kind, rest, _ := bytes.Cut(msg, []byte{' '})
	switch string(kind) {
	case "F":
		r.Kind, r.Failed = 'F', failed(rest)
		return true
	case "R", "A", "B":
		r.Kind = kind[0]
		return true
	case "H":
		r.Status, r.End = statusCode(number(rest)), outcome.None
		if r.Status != 0 {
			r.End = outcome.Cut // until it is known to be whole
		}
	case "E":
		why, text, _ := bytes.Cut(rest, []byte{'\n'})
		r.Problem = problem(why, text)
		if r.Status == 0 && bytes.HasPrefix(rest, []byte("import\n")) {
			return true // there is no application that could do the job
		}
	case "D":
		fields := bytes.Fields(rest)
		if len(fields) < 2 {
			return false
		}
		r.Kind = 'D'
		if len(fields) == 7 { // from a worker that goes on
			r.Job, fields = uint32(number(fields[0])), fields[1:]
			r.Status, r.Took = statusCode(number(fields[2])), time.Duration(number(fields[3]))
			r.CPU, r.Growth = time.Duration(number(fields[4]))*time.Microsecond, number(fields[5])<<10
		}
		r.Bytes, r.End = number(fields[0]), endings[string(fields[1])]
		return true
	case "L":
		r.Settled = string(rest) == "settled"
		return true
	case "W":
		if len(r.Warnings) < mostWarnings {
			r.Warnings = append(r.Warnings, string(rest))
		}
	case "M":
		if len(r.Files) < mostFiles {
			r.Files = append(r.Files, files(rest)...)
		}
	}
	return false
}

// problem is what an application did, of a kind that runtime/job.py lists.
func problem(kind, text []byte) *outcome.Problem {
	p := &outcome.Problem{Kind: outcome.Failed, Text: string(text)}
	if string(kind) == "timeout" {
		p.Kind = outcome.Timeout
	}
	return p
}

// File is a file that an application was loaded from.
type File struct {
	// Path is where it is.
	Path string
	// State is what it was then ([StateOf]).
	State string
}

// StateOf tells one content of a file from another; "" where there is none.
func StateOf(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d", st.Dev, st.Ino, st.Size, st.Mtim.Nano())
}

// files takes apart PATH NUL STATE NUL PATH ...
func files(b []byte) (list []File) {
	for words := strings.Split(string(b), "\x00"); len(words) > 1; words = words[2:] {
		list = append(list, File{words[0], words[1]})
	}
	return list
}

// number is 0 where there is none, and never more than can be counted in smaller units.
func number(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return min(max(n, 0), 1<<50)
}

// statusCode is 0 where that is no status code.
func statusCode(n int64) int {
	if n < 100 || n > 999 {
		return 0
	}
	return int(n)
}

// ending says how a worker ended that has not said it itself.
func ending(u outcome.Usage) string {
	if u.Signaled() {
		return u.Ending()
	}
	return u.Ending() + " without an answer"
}
