package journal

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// Message ids of systemd's own entries about services (sd-messages.h).
const (
	// SpawnFailed is of a program that could not be started (SD_MESSAGE_SPAWN_FAILED).
	SpawnFailed = "641257651c1b4ec9a8624d7a40a9e1e7"
	// UnitStarting, UnitStarted and UnitFailed are of a start job (SD_MESSAGE_UNIT_STARTING, ...),
	// the others of how the service ended (SD_MESSAGE_UNIT_PROCESS_EXIT, ...).
	UnitStarting      = "7d4958e842da4a758f6c1cdc7b36dcc5"
	UnitStarted       = "39f53479d3a045ac8e11786248231fbf"
	UnitFailed        = "be02cf6855d2428ba40df7e9d022f03d"
	UnitProcessExit   = "98e322203f7a4ed290d09fe03c09fe15"
	UnitFailureResult = "d9b373ed55a64feb8242e02dbe79a49c"
	UnitResources     = "ae8f7b866b0347b9af31fe1c80b127c0"
)

// Entry is one entry of the journal.
type Entry struct {
	Time     time.Time
	Cursor   string
	Message  string
	Priority int
	// ID is its MESSAGE_ID.
	ID string
	// PID is the process that wrote it, 0 for none.
	PID int
	// Unit is what it is of, or about. Invocation is the run of the unit.
	Unit, Invocation string
	// Of a request's record; Status is 0 for other entries.
	RequestID, Method, Path string
	// Probe is what the request's header of that name said ([Probes]).
	Probe  string
	Status int
	Bytes  int64
	MS     float64
	// Cut tells a response that broke off, and ExitStatus a process of the request that ended with
	// another one than 0.
	Cut        bool
	ExitStatus int
}

// Of reports whether an entry is of an application, or systemd's about it.
func (e *Entry) Of(name string) bool {
	rest, ok := strings.CutPrefix(e.Unit, name)
	return ok && (rest == ".socket" || rest == ".service" || strings.HasPrefix(rest, "@") && strings.HasSuffix(rest, ".service"))
}

// parse reads a line of journalctl -o json.
func parse(line []byte) (*Entry, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, fmt.Errorf("journalctl printed an invalid entry: %w", err)
	}
	f := func(names ...string) string {
		for _, name := range names {
			if s := text(raw[name]); s != "" {
				return s
			}
		}
		return ""
	}
	e := &Entry{
		Cursor: f("__CURSOR"), Message: f("MESSAGE"), ID: f("MESSAGE_ID"),
		Unit: f("_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT"), Invocation: f("_SYSTEMD_INVOCATION_ID"),
		RequestID: f(adapter.FieldRequestID), Method: f(adapter.FieldMethod), Path: f(adapter.FieldPath), Probe: f(adapter.FieldProbe),
		Priority: 6, // what has none is information
	}
	// Only systemd is believed when it writes about another unit than its own.
	if e.Unit == "" || e.Unit == "init.scope" {
		e.Unit, e.Invocation = f("UNIT", "USER_UNIT"), f("INVOCATION_ID", "USER_INVOCATION_ID")
	}
	if n, err := strconv.Atoi(f("PRIORITY")); err == nil {
		e.Priority = n
	}
	usec, err := strconv.ParseInt(f("__REALTIME_TIMESTAMP"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("journalctl printed an entry without a time: %s", line)
	}
	e.Time = time.UnixMicro(usec)
	e.PID, _ = strconv.Atoi(f("_PID"))
	// A program can write any fields: what is no number counts as none.
	e.Status, _ = strconv.Atoi(f(adapter.FieldStatus))
	e.Bytes, _ = strconv.ParseInt(f(adapter.FieldBytes), 10, 64)
	e.MS, _ = strconv.ParseFloat(f(adapter.FieldMS), 64)
	e.Cut = f(adapter.FieldCut) == "1"
	e.ExitStatus, _ = strconv.Atoi(f(adapter.FieldExitStatus))
	return e, nil
}

// text reads a field's value: a string; numbers, which are bytes that are no text; or
// several of these, of which the first is taken.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var numbers []int
	if json.Unmarshal(raw, &numbers) == nil {
		b := make([]byte, len(numbers))
		for i, n := range numbers {
			b[i] = byte(n)
		}
		return string(b)
	}
	var several []json.RawMessage
	if json.Unmarshal(raw, &several) == nil && len(several) > 0 {
		return text(several[0])
	}
	return ""
}
