// Package e2e tests the whole path of a request with the real parts: nginx, systemd, the adapter and Python,
// set up as in the README.
package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bin is the directory of the programs that the tests install.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "socketgi-e2e-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		bin = dir
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "github.com/socketgi/socketgi/cmd/...")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// nginxSocket is the socket of the machine's nginx.
const nginxSocket = "/run/web.sock"

// site is a machine with nginx and socketgi.
type site struct {
	*machine.Machine
	t         testing.TB
	client    *http.Client
	listening map[string]bool // the applications with --accept no
}

// webPort is its port for clients on the machine.
const webPort = "8088"

// newSite boots a site, with additional packages.
func newSite(t testing.TB, packages ...string) *site {
	t.Helper()
	s := &site{Machine: machine.Boot(t, packages...), t: t, listening: map[string]bool{}}
	s.Install(filepath.Join(bin, "socketgi"), "/usr/local/bin/socketgi", 0o755)
	s.Install(filepath.Join(bin, "socketgi-adapter"), "/usr/local/lib/socketgi/socketgi-adapter", 0o755)
	s.Run("rm", "-rf", "/etc/nginx/sites-enabled", "/srv")
	s.Run("install", "-d", "-m", "1777", "/srv/open")
	s.Write("/etc/nginx/sites-enabled/default", `server {
	listen unix:`+nginxSocket+`;
	listen 127.0.0.1:`+webPort+`;
	server_name localhost;
	client_max_body_size 0;
	include /etc/nginx/apps/*.conf;
}
`)
	s.Run("systemctl", "start", "nginx")
	s.client = s.Client(nginxSocket)
	return s
}

// serve sets up an application of testdata at mount, with flags of the units.
func (s *site) serve(name, app, mount string, flags ...string) {
	s.t.Helper()
	file, _, _ := strings.Cut(app, ":")
	s.Install(filepath.Join("testdata", file), "/srv/"+file, 0o755)
	nginx := []string{name}
	if mount != "" {
		nginx = append(nginx, "--mount", mount)
	}
	s.place(append([]string{name, "/srv/" + app, "--python", "/usr/bin/python3"}, flags...), nginx)
	s.start(name)
	if slices.Contains(flags, "no") {
		s.listening[name] = true
	}
}

// journal returns the unit that has an application's journal entries.
func (s *site) journal(name string) string {
	if s.listening[name] {
		return name + ".service"
	}
	return name + "@*"
}

// place writes the output of socketgi units and socketgi nginx for these arguments, which begin with the
// name.
func (s *site) place(units, nginx []string) {
	s.t.Helper()
	s.install(s.Run("/usr/local/bin/socketgi", append([]string{"units"}, units...)...))
	s.Write("/etc/nginx/apps/"+units[0]+".conf", s.Run("/usr/local/bin/socketgi", append([]string{"nginx"}, nginx...)...))
}

// start starts the sockets of the applications.
func (s *site) start(names ...string) {
	s.t.Helper()
	s.Run("systemctl", "daemon-reload")
	for _, name := range names {
		s.Run("systemctl", "enable", "--now", "--quiet", name+".socket")
	}
	s.restartNginx()
}

// restartNginx restarts nginx instead of reloading it: old workers would continue to accept connections for a
// while.
func (s *site) restartNginx() {
	s.t.Helper()
	_, _ = s.Try("systemctl", "reset-failed", "nginx") // it also resets the count of starts
	s.Run("systemctl", "restart", "nginx")
}

// install writes the units in the output of socketgi, each after its path.
func (s *site) install(text string) {
	s.t.Helper()
	parts := strings.Split("\n"+text, "\n# /etc/systemd/system/")
	require.GreaterOrEqual(s.t, len(parts), 3, "%s", text)
	for _, part := range parts[1:] {
		name, content, _ := strings.Cut(part, "\n")
		s.Write("/etc/systemd/system/"+name, content)
	}
}

// reply is a response whose body was read to the end.
type reply struct {
	*http.Response
	body string
	err  error // the error of reading the body
}

func (s *site) do(method, url string, body io.Reader, header ...string) reply {
	s.t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = "http://localhost" + url
	}
	req, err := http.NewRequest(method, url, body)
	require.NoError(s.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp, string(data), err}
}

func (s *site) get(url string, header ...string) reply {
	s.t.Helper()
	return s.do("GET", url, nil, header...)
}

// allEnded waits until no instance is left, and checks that none failed. It stops listening services.
func (s *site) allEnded(name string) {
	s.t.Helper()
	for one := range s.listening {
		s.Run("systemctl", "stop", one+".service")
	}
	s.Wait("the last instance of "+name+" to end", func() error {
		out := s.Run("systemctl", "list-units", "--all", "--plain", "--no-legend", name+"@*")
		if strings.TrimSpace(out) != "" {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	assert.Empty(s.t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	assert.Equal(s.t, "active\n", s.Run("systemctl", "is-active", name+".socket"))
	s.noProcess("socketgi-adapter|python")
}

// noProcess waits until no process is left whose command line matches: a unit can end before the last of its
// processes.
func (s *site) noProcess(pattern string) {
	s.t.Helper()
	s.Wait("the last process to end", func() error {
		if out, err := s.Try("pgrep", "-af", pattern); err == nil {
			return errors.New(out)
		}
		return nil
	})
}
