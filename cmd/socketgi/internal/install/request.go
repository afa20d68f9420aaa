package install

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/socketgi/socketgi/units"
)

// request asks the application for a page, as a web server would, and says with what
// status it answered. One from 500 on is an error.
func (a *Add) request(ctx context.Context, listen string) (status string, err error) {
	if a.Timeout > 0 {
		const queue = 30 * time.Second // the adapter's --queue-timeout
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, a.Timeout+queue, fmt.Errorf("there was no answer after %v", a.Timeout+queue))
		defer cancel()
	}
	mount := strings.TrimRight(a.Options.Mount, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+mount+"/", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "socketgi add")
	address := "tcp:" + listen
	if strings.HasPrefix(listen, "/") {
		address = "unix:" + listen
	}
	since := time.Now()
	resp, err := (&scgihttp.Transport{Address: address, Mount: mount}).RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", a.unanswered(ctx, mount, err.Error(), a.journal(ctx, "", since))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case resp.StatusCode >= 500:
		id := ""
		if found := requestID.FindSubmatch(body); found != nil {
			id = string(found[1])
		}
		return "", a.unanswered(ctx, mount, resp.Status, a.journal(ctx, id, since))
	case err != nil:
		return "", a.unanswered(ctx, mount, err.Error(), a.journal(ctx, "", since))
	}
	return resp.Status, nil
}

// requestID is in the adapter's own pages.
var requestID = regexp.MustCompile(`The log says why, under ([0-9a-zA-Z@_-]+)\.`)

func (a *Add) unanswered(_ context.Context, mount, what, log string) error {
	if log != "" {
		log = ":\n" + plain.Quote(log)
	}
	return fmt.Errorf("%s answers GET %s/ with %s%s", a.Options.Name, mount, what, log)
}

// journal returns what the log has of a request, or of the application since then. There
// is no library for that without libsystemd. It takes a moment until the journal has it.
func (a *Add) journal(ctx context.Context, id string, since time.Time) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	args := []string{"--quiet", "--no-pager", "--output=cat", "--lines=200"}
	unit := "--unit="
	if a.Host.User {
		unit = "--user-unit="
	}
	if id != "" {
		args = append(args, "--priority=err", "SOCKETGI_REQUEST_ID="+id)
	} else {
		args = append(args, fmt.Sprintf("--since=@%d", since.Unix()), unit+a.Options.Name+"@*", unit+units.CheckService(a.Options.Name), unit+a.Options.Name+".service")
	}
	for {
		out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
		if text := strings.TrimSpace(string(out)); text != "" || err != nil && ctx.Err() == nil && id == "" {
			return text
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ""
		}
	}
}
