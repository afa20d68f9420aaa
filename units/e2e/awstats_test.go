package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// accessLog returns the requests of eight visitors, in the combined format of nginx and Apache.
func accessLog() string {
	var b strings.Builder
	for i := range 8 {
		for _, page := range []string{"/", "/articles/inetd.html", "/style.css"} {
			fmt.Fprintf(&b, `192.0.2.%d - - [10/Mar/2024:%02d:30:00 +0000] "GET %s HTTP/1.1" 200 %d "https://example.org/links" `+
				`"Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"`+"\n", i+1, i%24, page, 1000+i)
		}
	}
	return b.String()
}

// TestAWStats has Debian's awstats.pl, unchanged and at its place, read a log and report on it.
func TestAWStats(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/access.log", accessLog())
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			// A dynamic user, with a state directory for the data.
			p := program{name: "stats-" + mode, accept: mode, flags: []string{"--state"}, run: []string{"--cgi-root", "/usr/lib/cgi-bin"}}
			s.serveCGI(p)
			s.Write("/etc/awstats/awstats."+mode+".conf", `LogFile="/srv/access.log"
LogFormat=1
SiteDomain="www.example.com"
HostAliases="localhost"
DNSLookup=0
UseFramesWhenCGI=0
DirData="/var/lib/stats-`+mode+`"
DirIcons="/awstats-icon"
AllowToUpdateStatsFromBrowser=1
`)
			script := "/stats-" + mode + "/awstats.pl"
			got := s.get(script + "?config=" + mode + "&update=1&year=2024&month=03")
			require.Equal(t, 200, got.StatusCode, got.body)
			assert.Contains(t, got.Header.Get("Content-Type"), "text/html")

			for name, got := range map[string]reply{
				"GET": s.get(script + "?config=" + mode + "&year=2024&month=03"),
				"POST": s.do("POST", script, strings.NewReader(url.Values{"config": {mode}, "year": {"2024"}, "month": {"03"}}.Encode()),
					"Content-Type", "application/x-www-form-urlencoded"),
			} {
				assert.Equal(t, 200, got.StatusCode)
				assert.NoError(t, got.err)
				for _, want := range []string{"<title>Statistics for www.example.com (2024-03) - main</title>", "/articles/inetd.html", "192.0.2.7",
					"<b>8</b><br />(1&nbsp;visits/visitor)", "<b>16</b><br />(2&nbsp;Pages/Visit)", "<b>24</b><br />(3&nbsp;Hits/Visit)",
					`"awstats.pl?config=` + mode, "</html>"} {
					assert.True(t, strings.Contains(got.body, want), "%s: %s", name, want) // the report is too long for a message
				}
			}
			got = s.get(script + "?config=no-such")
			assert.Contains(t, got.body, "SiteDomain parameter not defined")
			s.noneLeft(p)
		})
	}
}
