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

// Report is the result of a job, or of loading the application.
type Report struct {
	outcome.Result
	// Kind is the letter of the last message, if that completes a report (runtime/accept.py).
	Kind byte
	// Job is the number of the job that a warm worker has completed.
	Job uint32
	// Took is the duration of that job.
	Took time.Duration
	// Failed is a request whose connection the application has closed.
	Failed *Served
	// Files are the files that modules were loaded from, without those that were reported before
	// ([WarmConfig].Files).
	Files []File
	// Settled: the application was loaded without a job, and another start would add nothing to
	// the cache.
	Settled bool
	// Interface is the application's, [WSGI] or [ASGI], if it was loaded without a job, or by a [Parent].
	Interface string
	// Warnings are sentences about sockets and threads that the workers of a [Parent] share.
	Warnings []string
	// switched is 1 when a WebSocket is open, and 2 when it is closed.
	switched int
}

// switching is the status of a connection that becomes a WebSocket (RFC 6455 4.2.2).
const switching = 101

// endings maps the names in messages.
var endings = map[string]outcome.End{"whole": outcome.Whole, "left": outcome.Left, "cut": outcome.Cut, "none": outcome.None}

// mostFiles and mostWarnings limit what is kept of the reports of one worker.
const (
	mostFiles    = 1 << 16
	mostWarnings = 100
)

// report adds a message to r, and returns whether the message completes a report. An application can
// send any message: it has the descriptor.
func report(r *Report, msg []byte) (done bool) {
	kind, rest, _ := bytes.Cut(msg, []byte{' '})
	switch string(kind) {
	case "F":
		r.Kind, r.Failed = 'F', failed(rest)
		return true
	case "R", "A", "B":
		r.Kind = kind[0]
		r.named(string(rest))
		return true
	case "H":
		r.Status, r.End = statusCode(number(rest)), outcome.None
		if r.Status == switching {
			r.switched++
		}
		if r.Status != 0 {
			r.End = outcome.Cut // unless a later message reports it as whole
		}
	case "E":
		why, text, _ := bytes.Cut(rest, []byte{'\n'})
		r.Problem = problem(why, text)
		if r.Status == 0 && bytes.HasPrefix(rest, []byte("import\n")) {
			r.Kind = 'E'
			return true // the application failed to load, so there is no D
		}
	case "D":
		fields := bytes.Fields(rest)
		if len(fields) < 2 {
			return false
		}
		r.Kind = 'D'
		if len(fields) == 7 { // from a warm worker
			r.Job, fields = uint32(number(fields[0])), fields[1:]
			r.Status, r.Took = statusCode(number(fields[2])), time.Duration(number(fields[3]))
			r.CPU, r.Growth = time.Duration(number(fields[4]))*time.Microsecond, number(fields[5])<<10
		}
		r.Bytes, r.End = number(fields[0]), endings[string(fields[1])]
		return true
	case "L":
		settled, name, _ := strings.Cut(string(rest), " ")
		r.Settled = settled == "settled"
		r.named(name)
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

// named takes in the name of an interface.
func (r *Report) named(name string) {
	if name == WSGI || name == ASGI {
		r.Interface = name
	}
}

// problem converts a problem. runtime/job.py lists the kinds.
func problem(kind, text []byte) *outcome.Problem {
	p := &outcome.Problem{Kind: outcome.Failed, Text: string(text)}
	if string(kind) == "timeout" {
		p.Kind = outcome.Timeout
	}
	return p
}

// File is a file that an application was loaded from.
type File struct {
	// Path is its absolute path.
	Path string
	// State is its [StateOf] before it was loaded.
	State string
}

// StateOf returns a text that changes with the contents of a file; "" if the file doesn't exist.
func StateOf(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d", st.Dev, st.Ino, st.Size, st.Mtim.Nano())
}

// files parses PATH NUL STATE NUL PATH ...
func files(b []byte) (list []File) {
	for words := strings.Split(string(b), "\x00"); len(words) > 1; words = words[2:] {
		list = append(list, File{words[0], words[1]})
	}
	return list
}

// number parses a number, 0 if there is none. The limit leaves room for a conversion to smaller
// units.
func number(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return min(max(n, 0), 1<<50)
}

// statusCode returns n, or 0 if n is no status code.
func statusCode(n int64) int {
	if n < 100 || n > 999 {
		return 0
	}
	return int(n)
}

// ending describes the end of a worker that has not reported one.
func ending(u outcome.Usage) string {
	if u.Signaled() {
		return u.Ending()
	}
	return u.Ending() + " without a response"
}
