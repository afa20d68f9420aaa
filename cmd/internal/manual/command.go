package manual

import (
	"fmt"
	"strings"

	contract "github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns the pages of a command and of its subcommands, except hidden ones.
func Commands(root *cobra.Command, e Edition) (pages []Page) {
	pages = append(pages, e.page(pageName(root), "1", command(root)))
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			pages = append(pages, Commands(c, e)...)
		}
	}
	return pages
}

// pageName follows git's pages: socketgi-add.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// command is the page of one command.
func command(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# NAME\n%s - %s\n\n# SYNOPSIS\n%s\n# DESCRIPTION\n", pageName(c), plain(c.Short), synopsis(c))
	long := c.Long
	if long == "" {
		long = c.Short + "."
	}
	exit := ""
	for paragraph := range strings.SplitSeq(long, "\n\n") {
		if rest, ok := strings.CutPrefix(paragraph, "Exit status: "); ok {
			exit = rest
			continue
		}
		b.WriteString(plain(paragraph) + "\n\n")
	}
	if c.HasSubCommands() {
		b.WriteString("# COMMANDS\n")
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				fmt.Fprintf(&b, "**%s**(1)\n: %s\n\n", pageName(sub), plain(sub.Short))
			}
		}
	}
	b.WriteString("# OPTIONS\n")
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			b.WriteString(option(f))
		}
	})
	if exit != "" {
		b.WriteString("# EXIT STATUS\n" + plain(exit) + "\n\n")
	}
	if c.Example != "" {
		b.WriteString("# EXAMPLES\n\n")
		for line := range strings.Lines(c.Example) {
			b.WriteString("    " + strings.TrimPrefix(line, "  "))
		}
		b.WriteString("\n\n")
	}
	b.WriteString("# SEE ALSO\n")
	if c.HasParent() {
		fmt.Fprintf(&b, "**%s**(1), ", pageName(c.Parent()))
	}
	for _, topic := range topics[c.Name()] {
		fmt.Fprintf(&b, "**socketgi-%s**(7), ", topic)
	}
	b.WriteString("**socketgi**(7), **socketgi-adapter**(8), **systemd.socket**(5)\n")
	return b.String()
}

// topics are the pages of section 7 to which the page of a command refers.
var topics = map[string][]string{
	"socketgi": {"wsgi", "cgi", "webservers", "security", "errors", "migration"},
	"add":      {"wsgi", "cgi", "security"},
	"units":    {"wsgi", "cgi", "security"},
	"refresh":  {"wsgi"},
	"dev":      {"wsgi", "cgi"},
	"nginx":    {"webservers"},
	"apache":   {"webservers"},
	"lighttpd": {"webservers"},
	"doctor":   {"errors", "webservers"},
	"get":      {"errors"},
	"logs":     {"errors"},
	"status":   {"errors"},
	"import":   {"migration"},
}

// synopsis has a line for each form of a command. Use lists them, separated by "|".
func synopsis(c *cobra.Command) string {
	if c.HasSubCommands() {
		return fmt.Sprintf("**%s** *COMMAND* \\[*OPTION*...\\]\n\n", c.CommandPath())
	}
	var b strings.Builder
	for i, way := range strings.Split(c.Use, " | ") {
		_, arguments, _ := strings.Cut(way, " ")
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "**%s** \\[*OPTION*...\\] %s\n", c.CommandPath(), plain(arguments))
	}
	return b.String()
}

// option returns the entry of a flag.
func option(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	words := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		words = "**-" + f.Shorthand + "**, " + words
	}
	if value != "" {
		words += " *" + plain(value) + "*"
	}
	return words + "\n: " + plain(usage) + byDefault(contract.ShownDefault(f.Value, f.DefValue)) + "\n\n"
}
