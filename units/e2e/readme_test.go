package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const manual = "../../cmd/internal/manual/"

// block is an indented block of a page: commands, unless it is marked as an example.
type block struct{ heading, text string }

// commands returns the blocks of a page that a reader can run unchanged: those without a comment "<!--
// example: REASON -->" above them.
func commands(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	heading, example, fenced := "", false, false
	var b strings.Builder
	for line := range strings.Lines(string(text) + "\n.\n") {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
		case indented || line == "\n" && b.Len() > 0:
			b.WriteString(code)
			if !indented {
				b.WriteString(line)
			}
		case line == "\n":
		default:
			if b.Len() > 0 && !example {
				all = append(all, block{heading, strings.TrimRight(b.String(), "\n") + "\n"})
			}
			b.Reset()
			example = strings.HasPrefix(line, "<!-- example: ") || strings.HasPrefix(line, "<!-- in print:")
			if strings.HasPrefix(line, "#") {
				heading = strings.Trim(line, "# \n")
			}
		}
	}
	return all
}

// newMachine boots a machine with Debian's own configuration of nginx, and installs the programs.
func newMachine(t *testing.T) *machine.Machine {
	t.Helper()
	m := machine.Boot(t)
	m.Install(filepath.Join(bin, "socketgi"), "/usr/local/bin/socketgi", 0o755)
	m.Install(filepath.Join(bin, "socketgi-adapter"), "/usr/local/libexec/socketgi/socketgi-adapter", 0o755)
	m.Install(filepath.Join(bin, "example-guestbook"), "/usr/local/bin/example-guestbook", 0o755)
	m.Run("ip", "link", "set", "lo", "up")
	m.Run("systemctl", "start", "nginx")
	return m
}

// paste makes a shell read commands as from a terminal, so a command that reads its standard input consumes
// the following ones. Each must succeed.
func paste(t *testing.T, m *machine.Machine, text string) string {
	t.Helper()
	cmd := m.Command("bash", "-es")
	cmd.Stdin = strings.NewReader("export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" + text)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", text, out)
	return string(out)
}

// firstApplication returns the block of the README that sets up hello.
func firstApplication(t *testing.T) string {
	t.Helper()
	for _, b := range commands(t, "../../README.md") {
		if b.heading == "Your first application behind nginx" {
			return b.text
		}
	}
	require.Fail(t, "the README sets no application up")
	return ""
}

// TestReadme runs all commands of the README, each block pasted unchanged. The first curl prints the page.
func TestReadme(t *testing.T) {
	machine.Need(t)
	all := commands(t, "../../README.md")
	require.Greater(t, len(all), 5)
	m := newMachine(t)
	for _, b := range all {
		out := paste(t, m, b.text)
		if b.text == firstApplication(t) {
			assert.True(t, strings.HasSuffix(out, "\nHello world!\n"), "%s", out)
			assert.Contains(t, m.Run("systemctl", "status", "--no-pager", "hello.socket"), "Accepted: 2", "the page that add requests, and that of curl")
		}
		if strings.Contains(b.text, "--timeout 2min") {
			assert.Contains(t, m.Run("nginx", "-T"), "scgi_read_timeout 165s")
		}
	}
	assert.Empty(t, m.Run("systemctl", "--failed", "--plain", "--no-legend"))
	assert.NoFileExists(t, m.Path("/etc/systemd/system/hello.socket"))
}

// TestReadmeManual runs all commands of the manual pages, each page on a machine of its own with the set-up
// of its reader.
func TestReadmeManual(t *testing.T) {
	machine.Need(t)
	const hello = "useradd --system hello; mkdir -p /srv/hello/static\ncp /usr/share/doc/socketgi/examples/hello.py /srv/hello\n"
	const shop = "useradd --system shop; mkdir -p /srv/shop/shop; touch /srv/shop/shop/__init__.py\n" +
		"cp /usr/share/doc/socketgi/examples/hello.py /srv/shop/shop/wsgi.py; sed 's/application/app/' /srv/shop/shop/wsgi.py > /srv/shop/app.py\n"
	const tools = "useradd --system tools\n"
	before := map[string]string{
		"socketgi.7":      "",
		"socketgi-wsgi.7": hello + shop,
		"socketgi-asgi.7": "",
		"socketgi-cgi.7": tools + "useradd --system form; useradd --system git; mkdir -p /srv/form /srv/git\n" +
			"printf '#!/bin/sh\\necho Content-Type: text/plain\\necho\\necho form\\n' > /srv/form/form.cgi; chmod 755 /srv/form/form.cgi\n",
		"socketgi-webservers.7": hello + "socketgi add hello /srv/hello/hello.py --user hello --mount /hello --now\n",
		"socketgi-security.7":   "",
		"socketgi-errors.7":     firstApplication(t),
		"socketgi-migration.7": tools + shop + "python3 -m venv --without-pip /srv/shop/venv\n" +
			"echo 'finger stream tcp nowait nobody /usr/bin/id id' > /etc/inetd.conf; mkdir -p /etc/xinetd.d\n" +
			"printf 'service finger\\n{\\nsocket_type = stream\\nwait = no\\nuser = nobody\\nserver = /usr/bin/id\\n}\\n' > /etc/xinetd.d/finger; touch /etc/xinetd.conf\n",
		"socketgi-adapter.8": "",
	}
	pages, err := filepath.Glob(manual + "*.md")
	require.NoError(t, err)
	require.Len(t, pages, len(before))
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		all := commands(t, page)
		if len(all) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.Install("../../scgi/wsgi/testdata/hello.py", "/usr/share/doc/socketgi/examples/hello.py", 0o644)
			paste(t, m, before[name])
			for _, b := range all {
				out := paste(t, m, b.text)
				if strings.Contains(b.text, "curl ") {
					assert.Contains(t, out, "Hello world!\n")
				}
			}
			assert.Empty(t, m.Run("systemctl", "--failed", "--plain", "--no-legend"))
		})
	}
}
