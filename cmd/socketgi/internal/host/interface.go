package host

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// InterfaceFile is a file beside cached code. It has the interface that the application had when it
// was loaded, WSGI or ASGI.
const InterfaceFile = "interface"

// Interface returns the interface of an application: WSGI, ASGI, CGI, SCGI for a program that speaks it
// itself, or "" where it is unknown. Where the command line has none, it is that of the cached code.
func (h Host) Interface(a *Application) string {
	switch {
	case !a.UsesAdapter():
		return "SCGI"
	case !a.Adapter.WSGI():
		return "CGI"
	case a.Adapter.Interface != adapter.InterfaceAuto:
		return strings.ToUpper(a.Adapter.Interface)
	case a.Adapter.Cache == "":
		return ""
	}
	path, err := rootfs.Inside(h.Root, filepath.Join(a.Adapter.Cache, InterfaceFile))
	if err != nil {
		return ""
	}
	text, _ := os.ReadFile(path)
	if name := strings.TrimSpace(string(text)); name == "WSGI" || name == "ASGI" {
		return name
	}
	return ""
}
