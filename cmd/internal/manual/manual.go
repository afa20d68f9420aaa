// Package manual makes the man pages: those of commands and of the adapter's flags from
// the programs' own help, the others from the Markdown files beside it.
package manual

import (
	"embed"
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

//go:embed *.md
var files embed.FS

// Topics are the pages of section 7.
func Topics(e Edition) (pages []Page) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // it is in the program
	}
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".7.md"); ok {
			pages = append(pages, e.page(name, "7", read(entry.Name())))
		}
	}
	return pages
}

func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is in the program
	}
	return string(text)
}

// page makes a page of Markdown.
func (e Edition) page(name, section, text string) Page {
	title := fmt.Sprintf("%% %q %q %q %q %q\n", name, section, e.Date, "socketgi "+e.Version, "socketgi")
	return Page{name + "." + section, md2man.Render([]byte(title + printed(text)))}
}

// plain protects text from being taken for Markdown.
func plain(s string) string { return special.Replace(s) }

var special = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "`", "\\`", "&", `\&`)
