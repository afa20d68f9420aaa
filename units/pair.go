package units

// Pair is a socket unit and the service that it starts: a template for each connection (Accept=yes),
// or one that accepts connections (Accept=no).
type Pair struct {
	// SocketName and ServiceName are the file names of the units, such as hello.socket and
	// hello@.service.
	SocketName, ServiceName string
	// Socket and Service are the contents of the files (systemd.syntax(7)).
	Socket, Service string
	// SliceName and Slice are those of a third unit, with [Options.Limits]; "" without limits.
	SliceName, Slice string
}

// File is a unit file.
type File struct{ Name, Text string }

// Files lists the unit files of the pair: two of them, three with limits.
func (p Pair) Files() []File {
	files := []File{{p.SocketName, p.Socket}, {p.ServiceName, p.Service}}
	if p.Slice != "" {
		files = append(files, File{p.SliceName, p.Slice})
	}
	return files
}

// Render renders the pair. The error is an [*OptionError].
func Render(o Options) (Pair, error) {
	if err := o.prepare(); err != nil {
		return Pair{}, err
	}
	p := Pair{SocketName: o.Name + ".socket", ServiceName: o.Name + "@.service", Socket: o.socket(), Service: o.service()}
	if o.Warm {
		p.ServiceName = o.Name + ".service"
	}
	if o.Limits != (Limits{}) {
		p.SliceName, p.Slice = o.Slice, o.slice()
	}
	return p, nil
}

// systemdVersions are the versions that introduced a directive in the units.
var systemdVersions = []int{0, 254, 255}

// RenderEach renders every variant of the pair for the versions of systemd. It ignores SystemdVersion.
// The error is an [*OptionError].
func RenderEach(o Options) (pairs []Pair, err error) {
	for _, o.SystemdVersion = range systemdVersions {
		p, err := Render(o)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
