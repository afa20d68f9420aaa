package wsgi

import (
	_ "embed"
	"hash/fnv"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// The runtime: load.py loads the others, which import each other in this order.
var (
	//go:embed runtime/load.py
	loadSource string
	//go:embed runtime/startcache.py
	startcacheSource string
	//go:embed runtime/quicksite.py
	quicksiteSource string
	//go:embed runtime/importcache.py
	importcacheSource string
	//go:embed runtime/inetd_scgi.py
	inetdSCGISource string
	//go:embed runtime/application.py
	applicationSource string
	//go:embed runtime/response.py
	responseSource string
	//go:embed runtime/job.py
	jobSource string
	//go:embed runtime/ending.py
	endingSource string
	//go:embed runtime/worker.py
	workerSource string
)

// modules returns the modules that load.py loads, NAME NUL SOURCE NUL ...
func modules() []byte {
	blob := make([]byte, 0, 40<<10)
	for _, m := range []struct{ name, source string }{
		{"startcache", startcacheSource},
		{"quicksite", quicksiteSource},
		{"importcache", importcacheSource},
		{"inetd_scgi", inetdSCGISource},
		{"application", applicationSource},
		{"response", responseSource},
		{"job", jobSource},
		{"ending", endingSource},
		{"worker", workerSource},
	} {
		blob = append(blob, m.name...)
		blob = append(blob, 0)
		blob = append(blob, m.source...)
		blob = append(blob, 0)
	}
	return blob
}

// Descriptors that the runtime counts on.
const (
	jobFD     = 3
	cachedFD  = 4
	sourcesFD = 5
)

// program is what python -c runs: cached code of that many bytes for just this
// Python, else load.py from its source. It is short because it is compiled at every
// start.
func program(cached int64) string {
	return `import marshal,posix,sys
g=None
try:
 d=posix.read(4,` + strconv.FormatInt(cached, 10) + `);h=b'%08x%s\n'%(sys.hexversion,sys.implementation.cache_tag.encode())
 if d.startswith(h):g=marshal.loads(d[len(h):])
except(EOFError,ValueError,TypeError):pass
g=g or{'load':posix.read(5,` + strconv.Itoa(len(loadSource)) + `)}
exec(g['load'],g)`
}

// cacheName names the file for an application and a Python. The version of the
// runtime is its last part, so that the runtime finds what it replaces.
func cacheName(cfg *Config, where string, sources []byte) string {
	h := fnv.New64a()
	for _, s := range []string{cfg.Python, where, os.Getenv("PYTHONOPTIMIZE")} {
		h.Write([]byte(s + "\x00"))
	}
	v := fnv.New64a()
	v.Write([]byte(loadSource))
	v.Write(sources)
	return "start-" + strconv.FormatUint(h.Sum64(), 16) + "-" + strconv.FormatUint(v.Sum64(), 16)
}

// openCached opens a cache file for the worker. Cached code is code, so it counts
// only if this user or root wrote it and nobody else can; else, and where there is
// none, this is /dev/null.
func openCached(path string) (fd int, size int64, err error) {
	if path != "" {
		if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0); err == nil {
			var st unix.Stat_t
			if unix.Fstat(fd, &st) == nil && (st.Uid == 0 || int(st.Uid) == os.Geteuid()) &&
				st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o022 == 0 {
				return fd, st.Size, nil
			}
			unix.Close(fd)
		}
	}
	fd, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fd, 0, os.NewSyscallError("open /dev/null", err)
}
