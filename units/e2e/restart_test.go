package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// starts returns the times when systemd began to start a unit, since the boot of the machine.
func (s *site) starts(unit string) (times []time.Duration) {
	s.t.Helper()
	const starting = "7d4958e842da4a758f6c1cdc7b36dcc5" // SD_MESSAGE_UNIT_STARTING
	out, _ := s.Try("journalctl", "--no-pager", "-o", "json", "MESSAGE_ID="+starting, "UNIT="+unit)
	for line := range strings.Lines(out) {
		var e struct {
			At string `json:"__MONOTONIC_TIMESTAMP"`
		}
		if json.Unmarshal([]byte(line), &e) == nil {
			usec, err := strconv.ParseInt(e.At, 10, 64)
			require.NoError(s.t, err)
			times = append(times, time.Duration(usec)*time.Microsecond)
		}
	}
	return times
}

// TestCannotStart has warm services fail to start while connections wait: systemd starts them again at
// intervals, and they answer when the cause is gone.
func TestCannotStart(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		dropIn      string
		spoil, mend []string
	}{
		"folder":     {spoil: []string{"mv", "/srv/folder", "/srv/away"}, mend: []string{"mv", "/srv/away", "/srv/folder"}},
		"credential": {dropIn: "LoadCredential=key:/srv/key", mend: []string{"touch", "/srv/key"}},
		"dies":       {dropIn: "ExecStartPre=/bin/test -e /srv/dies.there", mend: []string{"touch", "/srv/dies.there"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{Machine: s.Machine, t: t, client: s.client, listening: s.listening}
			s.Install("testdata/article.py", "/srv/"+name+"/article.py", 0o755)
			s.place([]string{name, "/srv/" + name + "/article.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/" + name, "--accept", "no"},
				[]string{name, "--mount", "/" + name})
			s.Write("/etc/systemd/system/"+name+".service.d/x.conf", "[Service]\n"+c.dropIn+"\n")
			if c.spoil != nil {
				s.Run(c.spoil[0], c.spoil[1:]...)
			}
			s.start(name)
			gone, err := net.Dial("unix", s.Path("/run/socketgi/"+name+".sock"))
			require.NoError(t, err)
			gone.Close()
			answer := make(chan reply)
			go func() { answer <- s.get("/" + name) }()
			const enough = 4
			var times []time.Duration
			s.Wait("starts", func() error {
				if times = s.starts(name + ".service"); len(times) < enough {
					return fmt.Errorf("there are %d", len(times))
				}
				return nil
			})
			for i := range enough - 1 {
				assert.Greater(t, times[i+1]-times[i], 900*time.Millisecond, "%v", times)
			}
			assert.Equal(t, "active\n", s.Run("systemctl", "is-active", name+".socket"))
			s.Run(c.mend[0], c.mend[1:]...)
			got := <-answer
			assert.Equal(t, 200, got.StatusCode, "a waiting request is answered")
			assert.Equal(t, 200, s.get("/"+name).StatusCode)
		})
	}
}
