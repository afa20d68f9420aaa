// Package journal reads the entries of applications and of systemd.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os/exec"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// Query selects entries. The zero value selects all, oldest first.
type Query struct {
	// User selects the journal of this user's service manager.
	User bool
	// Matches are FIELD=VALUE; "+" between them is an or (journalctl(1)).
	Matches []string
	// Unit selects the entries of one unit, and systemd's about it; "" for all.
	Unit string
	// Backwards returns the newest first.
	Backwards bool
	// Follow also returns later entries, until the context is done.
	Follow bool
	// Since is a time in the format of journalctl, "" for the beginning.
	Since string
	// From begins at the entry with that cursor, After behind it.
	From, After string
	// Errors selects errors.
	Errors bool
	// Last limits the number, 0 for all.
	Last int
}

// fields are the fields of an Entry: journalctl prints no others.
const fields = "_PID,MESSAGE,MESSAGE_ID,PRIORITY,UNIT,USER_UNIT,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,INVOCATION_ID,USER_INVOCATION_ID," +
	"_SYSTEMD_INVOCATION_ID," + adapter.FieldRequestID + "," + adapter.FieldMethod + "," + adapter.FieldPath + "," + adapter.FieldStatus + "," +
	adapter.FieldBytes + "," + adapter.FieldMS + "," + adapter.FieldCut + "," + adapter.FieldProbe + "," + adapter.FieldExitStatus

func (q *Query) args() []string {
	args := []string{"--no-pager", "--quiet", "--output=json", "--all", "--output-fields=" + fields}
	for _, f := range []struct {
		wanted bool
		flag   string
	}{
		{q.User, "--user"},
		{q.Backwards, "--reverse"},
		{q.Follow, "--follow"},
		{q.Follow, "--no-tail"},
		{q.Unit != "", "--unit=" + q.Unit},
		{q.Since != "", "--since=" + q.Since},
		{q.From != "", "--cursor=" + q.From},
		{q.After != "", "--after-cursor=" + q.After},
		{q.Errors, "--priority=err"},
		{q.Last > 0, fmt.Sprintf("--lines=%d", q.Last)},
	} {
		if f.wanted {
			args = append(args, f.flag)
		}
	}
	return append(args, q.Matches...)
}

// Entries reads the journal. It runs journalctl: go-systemd's sdjournal is a binding of
// libsystemd, which needs cgo, and this program is built without.
func (q Query) Entries(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		cmd := exec.CommandContext(ctx, "journalctl", q.args()...)
		cmd.WaitDelay = time.Second
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			yield(nil, fmt.Errorf("can't run journalctl: %w", err))
			return
		}
		more, err := each(out, yield)
		if !more {
			cancel() // its output is no longer read
		}
		waitErr := cmd.Wait()
		switch {
		case !more || ctx.Err() != nil:
		case err != nil:
			yield(nil, err)
		case waitErr != nil && said.Len() == 0:
			// Some versions exit in this way if nothing matches.
			if exit := (*exec.ExitError)(nil); !errors.As(waitErr, &exit) {
				yield(nil, waitErr)
			}
		case waitErr != nil:
			yield(nil, fmt.Errorf("journalctl: %s", strings.TrimSpace(said.String())))
		}
	}
}

// each passes on the entries of journalctl's output; more is false if the caller has stopped.
func each(out io.Reader, yield func(*Entry, error) bool) (more bool, err error) {
	r := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 && line[len(line)-1] == '\n' {
			e, err := parse(line)
			if err != nil {
				return true, err
			}
			if !yield(e, nil) {
				return false, nil
			}
		}
		if err != nil { // its exit status is more useful than the error of the pipe
			return true, nil
		}
	}
}

// Sync has journald write the entries that it has received. It does nothing if journald can't be asked.
func Sync(ctx context.Context) { _ = exec.CommandContext(ctx, "journalctl", "--sync").Run() }
