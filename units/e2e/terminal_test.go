package e2e

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evil contains text that controls a terminal: a colour, the title, the clipboard, C1 controls (ECMA-48) in
// UTF-8 and as bytes, the direction of text, and invalid text.
const evil = `'\x1b[31m\x1b]0;title\a\x1b]52;c;aGVsbG8=\a\x9b31m\u202egpj.\u2066\u200b\rover\b\x7f\ud800'`

// hostileApp prints it in every possible way; a file has its actions while it is loaded.
const hostileApp = `import os, socket, sys
evil = ` + evil + `
def say(where):
    sys.stderr.write(where + ' ' + evil.encode('unicode_escape').decode() + '\n')
    os.write(2, ('printed ' + evil).encode('utf-8', 'surrogatepass') + b' \x9b31m \xff\n')
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.connect('/run/systemd/journal/socket')
    text = evil.encode('utf-8', 'surrogatepass')
    for id in b'1f2f4ac1f4f14ec1a3f8b9a40c7de4a6', b'b0c5d3c9f7c14f4d8d2b0f0a6f1f8c37':
        journal.send(b'PRIORITY=3\nMESSAGE_ID=' + id + b'\nSOCKETGI_STATUS=200\n' + b''.join(
            name + b'\n' + len(text).to_bytes(8, 'little') + text + b'\n'
            for name in (b'MESSAGE', b'SOCKETGI_METHOD', b'SOCKETGI_PATH', b'SOCKETGI_REQUEST_ID')))
if os.path.exists('/srv/open/bad'):
    say('loaded')
    raise ValueError(evil)
def application(environ, start):
    say('asked')
    if environ['PATH_INFO'] == '/raise':
        raise ValueError(evil)
    start('200 OK', [('X-Evil', 'a\x9bb'), ('Content-Type', 'text/plain')])
    return [('body ' + evil).encode('utf-8', 'surrogatepass'), b' \x9b31m \xff\n']
`

// ourColors matches the sequences that socketgi itself prints on a terminal: colours, and the removal of
// progress lines.
var ourColors = regexp.MustCompile("\x1b\\[(?:0|1|1;31|1;32|1;33)m|\r *\r")

// TestTerminal runs every command that prints text of an application, with an application that tries to
// control the operator's terminal.
func TestTerminal(t *testing.T) {
	s := newSite(t)
	s.Run("adduser", "--system", "--group", "--no-create-home", "--quiet", "hello")
	s.Write("/srv/make.py", `import os
os.makedirs("/srv/app", exist_ok=True)
open("/srv/app/evil\x1b[31m\u202e\u009b.py", "w").write(open("/srv/app.py").read())
`)
	s.Write("/srv/app.py", hostileApp)
	s.Run("python3", "/srv/make.py")
	s.Write("/srv/inetd.conf", "evil\x1b[31m stream tcp nowait root /bin/cat cat\n8123 stream tcp nowait root /bin/cat cat \u202e\u009b31m\x9b\n")
	s.Run("chown", "-R", "hello:", "/srv/app")
	show := func(command string) string {
		t.Helper()
		out, _ := s.asRoot(command)
		rest := strings.ReplaceAll(ourColors.ReplaceAllString(out, ""), "\r\n", "\n")
		assert.True(t, utf8.ValidString(rest), "%s: %q", command, rest)
		for _, r := range rest {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				assert.Fail(t, command+" has steered the terminal", "%q in %q", r, rest)
				break
			}
		}
		return rest
	}
	bad := func(is bool) {
		if is {
			s.Write("/srv/open/bad", "")
		} else {
			s.Run("rm", "-f", "/srv/open/bad")
		}
	}
	const app = " app $(printf '/srv/app/evil\\033[31m\\342\\200\\256\\302\\233.py') --python /usr/bin/python3 --user hello"
	bad(true)
	out := show("add" + app + " --now")
	assert.Contains(t, out, `can't be loaded:`)
	assert.Contains(t, out, `ValueError: \x1b[31m\x1b]0;title\a\x1b]52;c;aGVsbG8=\a\u009b31m\u202egpj.\u2066\u200b\rover`)
	bad(false)
	require.Contains(t, show("add"+app+" --now"), "app answers: 200 OK")
	show("get app /raise")
	bad(true)
	assert.Contains(t, show("refresh app"), "ValueError: ")
	assert.Contains(t, show("doctor app"), "ValueError: ")
	s.Run("journalctl", "--sync")
	for _, command := range []string{
		"doctor", "doctor --json", "status app", "status app --json", "list", "list --json", "logs app -n all", "logs app --errors",
		"units" + app, "nginx app", "__complete status ''", "remove app --dry-run", "add" + app + " --dry-run --force",
		"import /srv/inetd.conf", "dev" + strings.TrimSuffix(strings.TrimPrefix(app, " app"), " --user hello"),
	} {
		show(command)
	}
	assert.Contains(t, show("logs app -n all"), `printed \x1b[31m`)
	assert.Contains(t, show("status app"), `\x1b[31m`)
	bad(false)
	for _, command := range []string{"get app /", "get app / -i", "get app / --raw"} {
		assert.Contains(t, show(command), `body \x1b[31m`)
	}
	// Output to a file is unchanged.
	assert.Contains(t, s.Run("sh", "-c", "/usr/local/bin/socketgi get app /"), "body \x1b[31m")
	show("remove app --now")
}
