package e2e

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var pictureFile = flag.String("picture", "", "have TestPicture write the picture of a terminal to this `file`")

// TestPicture records a terminal in which an application is set up, and draws it. This writes the picture of
// the README:
//
//	go test ./units/e2e -run TestPicture -picture testdata/terminal.svg
func TestPicture(t *testing.T) {
	m := newMachine(t)
	m.Install("../../scgi/wsgi/testdata/hello.py", "/srv/hello/hello.py", 0o644)
	m.Run("useradd", "--system", "hello")
	m.Write("/etc/nginx/snippets/hello.conf", "")
	m.Run("sed", "-i", `0,/server_name _;/s//&\n\tinclude snippets\/hello.conf;/`, "/etc/nginx/sites-available/default")
	var p picture
	for _, command := range []string{
		"socketgi add hello /srv/hello/hello.py --user hello --mount /hello --now",
		"socketgi nginx hello > /etc/nginx/snippets/hello.conf && socketgi nginx --reload",
		"curl http://localhost/hello",
		"socketgi status hello",
		"socketgi doctor hello",
	} {
		cmd := m.Command("script", "--quiet", "--return", "--command", "stty cols 100 rows 40 && "+command, "/dev/null")
		cmd.Env = append(cmd.Env, "TERM=xterm", "SHELL=/bin/sh")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		p.add(command, string(out))
	}
	svg := p.svg()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	assert.Regexp(t, `(?s)Hello world!.*listening.*answers`, svg)
	if *pictureFile != "" {
		require.NoError(t, os.WriteFile(*pictureFile, []byte(svg), 0o644))
	}
}

// picture is a terminal of 100 columns in SVG. Lines appear one after the other and move up for thirty
// seconds, repeatedly. Without animation it shows the first lines.
type picture struct {
	lines []string  // in SVG
	at    []float64 // when each appears, in seconds
	now   float64
}

const (
	pictureTime    = 30.0 // seconds
	pictureRows    = 26
	pictureColumns = 100
	rowHeight      = 17
)

// add adds a typed command and its output.
func (p *picture) add(command, output string) {
	p.line(`<tspan fill="#8fbf9f"># </tspan>`+escape(command), 1.2)
	output = progress.ReplaceAllString(strings.ReplaceAll(output, "\r\n", "\n"), "")
	for line := range strings.Lines(output) {
		for _, row := range wrapped(strings.TrimRight(line, "\n")) {
			p.line(row, 0.08)
		}
	}
	p.now += 2
}

func (p *picture) line(svg string, pause float64) {
	p.lines, p.at = append(p.lines, svg), append(p.at, p.now)
	p.now += pause
}

// progress matches a line that the next one replaced.
var progress = regexp.MustCompile(`(?m)^.*\r`)

// sgr selects a graphic rendition (ECMA-48, 8.3.117).
var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// wrapped returns a line with colours as SVG, in rows of the terminal.
func wrapped(line string) (rows []string) {
	var row strings.Builder
	width, style := 0, ""
	end := func() {
		rows = append(rows, row.String())
		row.Reset()
		width = 0
	}
	for line != "" {
		if m := sgr.FindStringSubmatchIndex(line); m != nil && m[0] == 0 {
			style, line = styles[line[m[2]:m[3]]], line[m[1]:]
			continue
		}
		text := line
		if m := sgr.FindStringIndex(line); m != nil {
			text = line[:m[0]]
		}
		runes := []rune(text)
		runes = runes[:min(len(runes), pictureColumns-width)]
		line = line[len(string(runes)):]
		width += len(runes)
		if style != "" {
			fmt.Fprintf(&row, `<tspan %s>%s</tspan>`, style, escape(string(runes)))
		} else {
			row.WriteString(escape(string(runes)))
		}
		if width == pictureColumns && line != "" {
			end()
		}
	}
	end()
	return rows
}

// styles are the renditions that socketgi uses.
var styles = map[string]string{
	"1": `font-weight="bold"`, "1;31": `fill="#ff8080" font-weight="bold"`, "1;32": `fill="#80e080" font-weight="bold"`,
	"1;33": `fill="#e0d060" font-weight="bold"`,
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func (p *picture) svg() string {
	scale := (pictureTime - 4) / p.now // the end stays for four seconds
	var times, moves, body strings.Builder
	fmt.Fprint(&times, "0")
	fmt.Fprint(&moves, "0 0")
	for i, line := range p.lines {
		when := p.at[i] * scale / pictureTime
		if i >= pictureRows {
			fmt.Fprintf(&times, ";%.4f", when)
			fmt.Fprintf(&moves, ";0 %d", -rowHeight*(i-pictureRows+1))
		}
		fmt.Fprintf(&body, "<text x=\"10\" y=\"%d\" xml:space=\"preserve\">%s", 22+rowHeight*i, line)
		if i > 0 {
			fmt.Fprintf(&body, `<animate attributeName="opacity" values="0;1" keyTimes="0;%.4f" calcMode="discrete" dur="%.0fs" repeatCount="indefinite"/>`, when, pictureTime)
		}
		body.WriteString("</text>\n")
	}
	const width, height = 10*2 + pictureColumns*8, rowHeight*pictureRows + 16
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13" fill="#e6e6e6">
<title>An application is added, requested and checked</title>
<rect width="100%%" height="100%%" rx="6" fill="#1d2226"/>
<svg width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d">
<g>
%[3]s<animateTransform attributeName="transform" type="translate" values="%[4]s" keyTimes="%[5]s" calcMode="discrete" dur="%.0[6]fs" repeatCount="indefinite"/>
</g>
</svg>
</svg>
`, width, height, body.String(), moves.String(), times.String(), pictureTime)
}
