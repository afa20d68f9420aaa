package host

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// Listener is any socket unit.
type Listener struct {
	// Name is the unit's name, such as hello.socket, and Path its file.
	Name, Path string
	// Listen are its addresses: paths, and addresses of TCP.
	Listen []string
}

// Listeners reads all socket units, with their drop-ins, except unreadable ones.
func (h Host) Listeners() (all []Listener) {
	dirs, err := h.Dirs()
	if err != nil {
		return nil
	}
	var names []string
	for _, dir := range dirs {
		files, _ := filepath.Glob(filepath.Join(dir, "*.socket"))
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if u, err := h.Unit(name); err == nil {
			all = append(all, Listener{name, u.Path, h.Listen(u)})
		}
	}
	return all
}

// Listen returns the addresses of a socket unit.
func (h Host) Listen(u *Unit) (all []string) {
	for _, directive := range []string{"ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO"} {
		for _, l := range u.All("Socket", directive) {
			// A port of UDP doesn't collide with TCP; a path does.
			if l = h.expand(l); directive == "ListenStream" || strings.ContainsAny(l[:1], "/@") {
				all = append(all, l)
			}
		}
	}
	return all
}

// WithDropIns returns the unit of a text, with the existing drop-ins for its name.
func (h Host) WithDropIns(name, text string) (*Unit, error) {
	dirs, err := h.Dirs()
	if err != nil {
		return nil, err
	}
	u := &Unit{Name: name}
	u.add("", text)
	if u.DropIns, err = h.dropIns(dirs, name); err != nil {
		return nil, err
	}
	for _, path := range u.DropIns {
		if err := h.read(u, path); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// Collide reports whether two values of ListenStream= exclude each other: the same path, or the same port of the
// same address.
func (h Host) Collide(a, b string) bool {
	if strings.ContainsAny(a, "/@") || strings.ContainsAny(b, "/@") {
		return h.path(a) == h.path(b)
	}
	x, ok := port(a)
	y, ok2 := port(b)
	return ok && ok2 && x.Port() == y.Port() && (x.Addr() == y.Addr() || x.Addr().IsUnspecified() || y.Addr().IsUnspecified())
}

// path resolves the symbolic links of a path, as far as it exists.
func (h Host) path(s string) string {
	if !strings.HasPrefix(s, "/") {
		return s
	}
	s = filepath.Clean(s)
	if h.Root != "" {
		if real, err := rootfs.InsideDir(h.Root, s); err == nil {
			s = "/" + strings.TrimPrefix(strings.TrimPrefix(real, h.Root), "/")
		}
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(s)); err == nil {
		s = filepath.Join(dir, filepath.Base(s))
	}
	if rest, ok := strings.CutPrefix(s, "/var/run/"); ok {
		return "/run/" + rest
	}
	return s
}

// port parses ADDRESS:PORT, or PORT for every address.
func port(s string) (netip.AddrPort, bool) {
	if !strings.Contains(s, ":") {
		s = "[::]:" + s
	}
	p, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port()), err == nil
}
