package manual

import (
	"flag"
	"fmt"
	"strings"

	contract "github.com/socketgi/socketgi/cmd/internal/adapter"
)

// Adapter is socketgi-adapter(8), with all flags of the adapter.
func Adapter(e Edition) Page {
	var b strings.Builder
	contract.FlagSet().VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "**--%s**", f.Name)
		if value != "" {
			fmt.Fprintf(&b, " *%s*", plain(value))
		}
		fmt.Fprintf(&b, "\n: %s%s\n\n", plain(usage), byDefault(f.DefValue))
	})
	return e.page(contract.Program, "8", strings.Replace(read(contract.Program+".8.md"), "OPTIONS-OF-THE-ADAPTER\n", b.String(), 1))
}

// byDefault tells the default of a flag, "" where it is nothing.
func byDefault(value string) string {
	switch value {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return " (default " + plain(value) + ")"
}
