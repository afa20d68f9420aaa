package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// setUps are reasons why systemd can't start an application's service: their names (systemd.exec(5), Process
// Exit Codes), the lines of a drop-in, and doctor's finding.
var setUps = []struct{ name, lines, what string }{
	{"CHDIR", "WorkingDirectory=/srv/not-there", "/srv/not-there can't be entered"},
	{"EXEC", "ExecStart=\nExecStart=/usr/local/lib/not-there/socketgi-adapter /srv/article.py", "not-there/socketgi-adapter can't be executed"},
	{"GROUP", "DynamicUser=no\nUser=www-data\nGroup=not-there", "the group of"},
	{"USER", "DynamicUser=no\nUser=not-there", "the user of"},
	{"NAMESPACE", "BindReadOnlyPaths=/srv/not-there", "the sandbox can't be made"},
	{"STATE_DIRECTORY", "DynamicUser=no\nUser=www-data\nStateDirectory=taken/by", "its state directory"},
	{"CREDENTIALS", "LoadCredential=secret:/srv/not-there", "its credentials"},
	{"EnvironmentFile", "EnvironmentFile=/srv/not-there", "systemd can't start"},
}

// TestSetUpFails checks that doctor reports the status with which nginx answers if systemd can't start the
// service.
func TestSetUpFails(t *testing.T) {
	s := newSite(t)
	s.Write("/var/lib/taken", "a file")
	for name, flags := range map[string][]string{"each": nil, "warm": {"--accept", "no"}} {
		s.serve(name, "article.py", "/"+name, append(flags, "--timeout", "2s")...)
		assert.Equal(t, 200, s.get("/"+name).StatusCode)
		service, want := name+"@.service", 502 // systemd closes the connection
		if s.listening[name] {
			service, want = name+".service", 504 // the request waits in the socket
			s.Run("systemctl", "stop", service)
			s.Run("sed", "-i", "s/scgi_read_timeout [0-9]*s/scgi_read_timeout 1s/", "/etc/nginx/apps/"+name+".conf")
			s.restartNginx()
		}
		dir := "/etc/systemd/system/" + service + ".d"
		for _, c := range setUps {
			s.Write(dir+"/broken.conf", "[Service]\n"+c.lines+"\n")
			s.Run("systemctl", "daemon-reload")
			_, _ = s.Try("systemctl", "stop", name+".service")
			s.Run("systemctl", "restart", name+".socket")
			status := s.get("/" + name).StatusCode
			found, _ := s.examine(name)
			why := ""
			for _, f := range found {
				if f.Check == "loads" && f.Level == "error" {
					why = f.What + "; " + f.Why
				}
			}
			assert.Equal(t, want, status, c.name)
			assert.Contains(t, why, fmt.Sprint("the web server answers ", want), c.name)
			assert.Contains(t, why, c.what)
		}
		s.Run("rm", "-r", dir)
		s.Run("systemctl", "daemon-reload")
	}
}
