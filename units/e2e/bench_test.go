package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkColdStart asks for a page, one request at a time, in turn from this
// project and from the way of 2011: a script that reads SCGI from its standard
// input by itself, under the same unit but for the command.
//
//	go test ./units/e2e -run '^$' -bench ColdStart -benchtime 200x
//
// reports the medians, and their ratio.
func BenchmarkColdStart(b *testing.B) {
	b.Run("hello", func(b *testing.B) { benchColdStart(b, "article.py", "by_hand_hello.py", "Hello world!\n") })
	b.Run("flask", func(b *testing.B) { benchColdStart(b, "flaskapp.py", "by_hand_flask.py", "Flask here") })
}

func benchColdStart(b *testing.B, app, byHand, want string) {
	s := newSite(b)
	s.serve("now", app, "/now", "--user", "www-data")
	s.serve("then", byHand, "/then", "--user", "www-data")
	s.Install("testdata/by_hand.py", "/srv/by_hand.py", 0o644)
	s.Install("testdata/flaskapp.py", "/srv/flaskapp.py", 0o644)
	unit := s.Run("cat", "/etc/systemd/system/then@.service")
	unit = regexp.MustCompile(`(?m)^ExecStart=.*$`).ReplaceAllString(unit,
		"ExecStart=/srv/"+byHand+"\nStandardInput=socket\nStandardError=journal")
	s.Write("/etc/systemd/system/then@.service", unit)
	s.Run("python3", "-m", "compileall", "-q", "/srv")
	s.Run("systemctl", "daemon-reload")

	// A request is asked for when nothing of the one before is left: one at a time.
	instances := s.Path("/sys/fs/cgroup/systemd/system.slice")
	quiet := func() {
		s.Wait("the instance to end", func() error {
			entries, err := os.ReadDir(instances)
			for _, e := range entries {
				if strings.Contains(e.Name(), "@") {
					return fmt.Errorf("%s is left", e.Name())
				}
			}
			return err
		})
	}
	ask := func(path string) time.Duration {
		quiet()
		start := time.Now()
		got := s.get(path)
		took := time.Since(start)
		require.Equal(b, 200, got.StatusCode)
		require.Equal(b, want, got.body)
		return took
	}
	for range 5 {
		ask("/now/")
		ask("/then/")
	}
	var now, then []time.Duration
	b.ResetTimer()
	for i := range b.N {
		// Each follows the other as often as itself.
		if i%2 == 0 {
			now = append(now, ask("/now/"))
			then = append(then, ask("/then/"))
		} else {
			then = append(then, ask("/then/"))
			now = append(now, ask("/now/"))
		}
	}
	b.StopTimer()
	n, t := median(now), median(then)
	b.ReportMetric(float64(n.Microseconds())/1000, "ms-now")
	b.ReportMetric(float64(t.Microseconds())/1000, "ms-2011")
	b.ReportMetric(float64(n)/float64(t), "ratio")
	b.ReportMetric(0, "ns/op")
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
