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

// The runtime. load.py loads the other modules; each imports only those before it.
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
	//go:embed runtime/places.py
	placesSource string
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
	//go:embed runtime/asgiworker.py
	asgiworkerSource string
	//go:embed runtime/parent.py
	parentSource string
	//go:embed runtime/stream.py
	streamSource string
	//go:embed runtime/asgihttp.py
	asgihttpSource string
	//go:embed runtime/websocket.py
	websocketSource string
	//go:embed runtime/asgisocket.py
	asgisocketSource string
	//go:embed runtime/lifespan.py
	lifespanSource string
	//go:embed runtime/asgi.py
	asgiSource string
	//go:embed runtime/worker.py
	workerSource string
)

// modules returns the modules that load.py loads, as NAME NUL SOURCE NUL ...
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
		{"places", placesSource},
		{"fastlane", fastlaneSource},
		{"accept", acceptSource},
		{"ending", endingSource},
		{"hints", hintsSource},
		{"files", filesSource},
		{"warming", warmingSource},
		{"touching", touchingSource},
		{"requestlog", requestlogSource},
		{"asgiworker", asgiworkerSource},
		{"parent", parentSource},
		{"stream", streamSource},
		{"asgihttp", asgihttpSource},
		{"websocket", websocketSource},
		{"asgisocket", asgisocketSource},
		{"lifespan", lifespanSource},
		{"asgi", asgiSource},
		{"worker", workerSource},
	} {
		blob = append(blob, m.name...)
		blob = append(blob, 0)
		blob = append(blob, m.source...)
		blob = append(blob, 0)
	}
	return blob
}

// Descriptors of the runtime. A warm worker has further ones.
const (
	jobFD     = 3
	cachedFD  = 4
	sourcesFD = 5
)

// program returns the argument of python -c. It runs cached code of that many bytes if it is for this
// Python, else load.py from its source. It is short, because it is compiled at every start, and its
// syntax is that of old Pythons, which report that they are too old.
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

// cacheName returns the name of the cache file for an application and a Python. Its last part is the
// version of the runtime, so that the runtime finds the files of earlier versions.
func cacheName(cfg *Config, where string, sources []byte) string {
	h := fnv.New64a()
	for _, s := range []string{cfg.Python, where, os.Getenv("PYTHONOPTIMIZE")} {
		h.Write([]byte(s + "\x00"))
	}
	return "start-" + strconv.FormatUint(h.Sum64(), 16) + "-" + strconv.FormatUint(checksum(sources)^checksum([]byte(loadSource)), 16)
}

// IsCacheFile returns whether name is that of a file in [Config].CacheDir: start-HEX-HEX, or
// start-HEX-HEX.code with the code of modules (importcache.py).
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

// checksum is FNV-1a with words of eight bytes, which is fast. It distinguishes versions of the
// runtime, and nothing else depends on it.
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

// openCached opens a cache file for the worker, or /dev/null. The worker executes the contents, so the
// file is used only if it belongs to this user or root, and no other user can write it.
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
