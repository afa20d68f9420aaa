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
		fmt.Fprintf(&b, "\n: %s%s\n\n", plain(usage), byDefault(contract.ShownDefault(f.Value, f.DefValue)))
	})
	return e.page(contract.Program, "8", strings.Replace(read(contract.Program+".8.md"), "OPTIONS-OF-THE-ADAPTER\n", b.String(), 1))
}

// byDefault is the note on a flag's default, "" for none.
func byDefault(value string) string {
	if value == "" {
		return ""
	}
	return " (default " + plain(value) + ")"
}
