// Package manual makes the man pages: those of commands and of the adapter's flags from
// what the programs say of themselves, so that they say the same.
package manual

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// Edition is what stands below each page.
type Edition struct {
	// Version is the program's, such as 0.1.0.
	Version string
	// Date is YYYY-MM-DD.
	Date string
}

// Page is a man page.
type Page struct {
	// Name is that of its file, such as socketgi-add.1.
	Name string
	// Text is in the language of man(7).
	Text []byte
}

//go:embed socketgi.7.md
var request string

//go:embed socketgi-adapter.8.md
var adapter string

// Request is socketgi(7), the way of a request.
func Request(e Edition) Page { return e.page("socketgi", "7", request) }

// page makes a page of Markdown.
func (e Edition) page(name, section, text string) Page {
	title := fmt.Sprintf("%% %q %q %q %q %q\n", name, section, e.Date, "socketgi "+e.Version, "socketgi")
	return Page{name + "." + section, md2man.Render([]byte(title + text))}
}

// plain protects text from being taken for Markdown.
func plain(s string) string { return special.Replace(s) }

var special = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "`", "\\`", "&", `\&`)
