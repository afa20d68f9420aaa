package worker

import (
	_ "embed"
	"encoding/binary"
	"hash/fnv"
	"os"
	"strconv"
	"strings"

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
	//go:embed runtime/siterecord.py
	siterecordSource string
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
	//go:embed runtime/board.py
	boardSource string
	//go:embed runtime/fastlane.py
	fastlaneSource string
	//go:embed runtime/accept.py
	acceptSource string
	//go:embed runtime/ending.py
	endingSource string
	//go:embed runtime/hints.py
	hintsSource string
	//go:embed runtime/files.py
	filesSource string
	//go:embed runtime/warming.py
	warmingSource string
	//go:embed runtime/touching.py
	touchingSource string
	//go:embed runtime/requestlog.py
	requestlogSource string
	//go:embed runtime/parent.py
	parentSource string
	//go:embed runtime/stream.py
	streamSource string
	//go:embed runtime/worker.py
	workerSource string
)

// modules returns the modules that load.py loads, NAME NUL SOURCE NUL ...
func modules() []byte {
	blob := make([]byte, 0, 40<<10)
	for _, m := range []struct{ name, source string }{
		{"startcache", startcacheSource},
		{"quicksite", quicksiteSource},
		{"siterecord", siterecordSource},
		{"importcache", importcacheSource},
		{"inetd_scgi", inetdSCGISource},
		{"application", applicationSource},
		{"response", responseSource},
		{"job", jobSource},
		{"board", boardSource},
		{"fastlane", fastlaneSource},
		{"accept", acceptSource},
		{"ending", endingSource},
		{"hints", hintsSource},
		{"files", filesSource},
		{"warming", warmingSource},
		{"touching", touchingSource},
		{"requestlog", requestlogSource},
		{"parent", parentSource},
		{"stream", streamSource},
		{"worker", workerSource},
	} {
		blob = append(blob, m.name...)
		blob = append(blob, 0)
		blob = append(blob, m.source...)
		blob = append(blob, 0)
	}
	return blob
}

// Descriptors that the runtime counts on. A warm process has others behind them.
const (
	jobFD     = 3
	cachedFD  = 4
	sourcesFD = 5
)

// program is what python -c runs: cached code of that many bytes for just this
// Python, else load.py from its source. It is short because it is compiled at every
// start. Any Python can read it, since one that is too old has to say so.
func program(cached int64) string {
	return `import marshal,posix,sys
if sys.version_info<(3,8):posix.write(3,("E import\n%s is Python %d.%d, which is older than 3.8: use a later one with --python"%((sys.executable,)+sys.version_info[:2])).encode());posix._exit(1)
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
	return "start-" + strconv.FormatUint(h.Sum64(), 16) + "-" + strconv.FormatUint(checksum(sources)^checksum([]byte(loadSource)), 16)
}

// IsCacheFile tells whether a file is named as those that a worker keeps in its CacheDir:
// start-HEX-HEX, and start-HEX-HEX.code with the code of modules (importcache.py).
func IsCacheFile(name string) bool {
	parts := strings.Split(strings.TrimSuffix(name, ".code"), "-")
	if len(parts) != 3 || parts[0] != "start" {
		return false
	}
	for _, part := range parts[1:] {
		if _, err := strconv.ParseUint(part, 16, 64); err != nil {
			return false
		}
	}
	return true
}

// checksum is FNV-1a with words of eight bytes, for a short time and no more than
// telling one version of the runtime from another.
func checksum(b []byte) uint64 {
	h := uint64(14695981039346656037) + uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * 1099511628211
		h ^= h >> 29
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
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
