package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"golang.org/x/sys/unix"
)

// checkRoom checks the space for request bodies and the application's state, and that the log is complete.
func checkRoom(ctx context.Context, x *examination, app *host.Application) (f findings) {
	dirs := map[string]string{"/var/tmp": "large request bodies are stored there: the client gets 507"}
	for _, state := range app.Service.All("Service", "StateDirectory") {
		for _, name := range strings.Fields(state) {
			name, _, _ = strings.Cut(name, ":")
			dirs[filepath.Join("/var/lib", name)] = "the application can't write its state"
		}
	}
	for dir, why := range dirs {
		room(dir, why, &f)
	}
	started := x.ifThere(ctx, app.Socket.Name, "Socket").Number("ActiveEnterTimestamp")
	if lines := suppressed(ctx, x, app, time.UnixMicro(int64(started))); lines != "" && !isNone(app.Service.Get("Service", "LogRateLimitIntervalSec")) {
		f.warn("log-suppressed", "the log is incomplete: "+lines, "records of requests and errors may be missing",
			dropIn(app, app.Service, "Service", "LogRateLimitIntervalSec=0"))
	}
	if len(f) == 0 {
		f.ok("there is space for request bodies, state and the log")
	}
	return f
}

// room judges the file system of a directory, if the directory exists.
func room(dir, why string, f *findings) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return
	}
	switch {
	case st.Flags&unix.ST_RDONLY != 0:
		f.fail("read-only", dir+" is on a file system that is mounted read-only", why, "").Do = "find the cause (findmnt -T " + shell(dir) + "), then: mount -o remount,rw"
	case st.Blocks > 0 && st.Bavail == 0, st.Files > 0 && st.Ffree == 0:
		f.fail("disk-full", dir+" is on a file system that is full", why, "").Do = "free space: du -x " + shell(dir)
	}
}

// isNone reports whether a time span disables a limit.
func isNone(span string) bool {
	return span != "" && strings.Trim(strings.TrimRight(span, "smin "), "0") == "" || span == "infinity"
}

// journalDropped is the ID of journald's message about messages dropped at a limit
// (SD_MESSAGE_JOURNAL_DROPPED).
const journalDropped = "a596d6fe7bfa4994828e72309e95d61e"

// suppressed returns the last message about dropped messages of the application since a time, "" for none.
func suppressed(ctx context.Context, x *examination, app *host.Application, since time.Time) (last string) {
	q := journal.Query{User: x.host.User, Since: "-1day", Matches: []string{"MESSAGE_ID=" + journalDropped}}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return last
		}
		for _, word := range strings.Fields(e.Message) {
			if about := (&journal.Entry{Unit: strings.TrimSpace(word)}); about.Of(app.Name) && e.Time.After(since) {
				last = fmt.Sprintf("%s (%s)", strings.TrimSpace(e.Message), e.Time.Format("15:04:05"))
			}
		}
	}
	return last
}
