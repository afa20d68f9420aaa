package adapter

import (
	"errors"
	"flag"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
)

const usageHead = `usage: socketgi-adapter [flags] APP
       socketgi-adapter [flags] --cgi PROGRAM [ARG...]
       socketgi-adapter [flags] --cgi-root DIR

Serves one SCGI request on the connection that systemd, inetd or xinetd passes.
APP is FILE.py, FILE.py:CALLABLE or package.module:CALLABLE; CALLABLE() is a
factory. PROGRAM is a CGI program; with --cgi-root the URL names one below DIR.
On a listening socket (Accept=no), serves every request.

A DURATION has the units ms, s, min and h; without a unit it is in seconds. A
SIZE is in bytes, or has the suffix K, M, G or T.

flags:
`

// columns is the width of help.
const columns = 80

// Help prints the flags.
func Help(w io.Writer) {
	var b strings.Builder
	b.WriteString(usageHead)
	FlagSet().VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		b.WriteString(strings.TrimRight("  --"+f.Name+" "+value, " ") + "\n")
		if d := ShownDefault(f.Value, f.DefValue); d != "" {
			usage += " (default " + d + ")"
		}
		const indent = "        "
		line := indent
		for _, word := range strings.Fields(usage) {
			if len(line)+len(word) > columns && line != indent {
				b.WriteString(strings.TrimRight(line, " ") + "\n")
				line = indent
			}
			line += word + " "
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	})
	_, _ = io.WriteString(w, b.String())
}

// ShownDefault returns the default of a flag as help shows it, "" for a zero value.
func ShownDefault(v flag.Value, text string) string {
	switch text {
	case "0", "0s", "false", "[]":
		return ""
	}
	if _, ok := v.(span); ok {
		if d, err := ParseDuration(text); err == nil {
			return outcome.FormatDuration(d)
		}
	}
	return text
}

// FormatDuration formats a duration for messages ([outcome.FormatDuration]).
func FormatDuration(d time.Duration) string { return outcome.FormatDuration(d) }

// DurationValue formats a duration as the value of a flag, which needs no quotes.
func DurationValue(d time.Duration) string {
	return strings.ReplaceAll(outcome.FormatDuration(d), " ", "")
}

// mistake is an error of package flag in the words that socketgi has for the same one, of package
// pflag: package flag writes flags with one dash.
func mistake(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	for _, form := range []struct{ prefix, words string }{
		{"flag provided but not defined: -", "unknown flag: --"},
		{"flag needs an argument: -", "flag needs an argument: --"},
	} {
		if name, ok := strings.CutPrefix(text, form.prefix); ok {
			text = form.words + name
		}
	}
	for _, form := range []struct{ prefix, between string }{{"invalid value ", " for flag -"}, {"invalid boolean value ", " for -"}} {
		rest, _ := strings.CutPrefix(text, form.prefix)
		value, err := strconv.QuotedPrefix(rest)
		if rest, ok := strings.CutPrefix(rest[len(value):], form.between); ok && err == nil {
			name, why, _ := strings.Cut(rest, ": ")
			text = "--" + name + " " + value + ": " + why
		}
	}
	return errors.New(text + "; see " + Program + " --help")
}
