package wsgi

import (
	_ "embed"
	"hash/crc32"
	"strconv"
)

// The runtime. boot.py runs first and load.py says how the others, which import
// each other in this order, are loaded.
var (
	//go:embed runtime/boot.py
	bootSource string
	//go:embed runtime/load.py
	loadSource string
	//go:embed runtime/startcache.py
	startcacheSource string
	//go:embed runtime/quicksite.py
	quicksiteSource string
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

// runtimeSources returns the modules as load.py wants them from a descriptor,
// and a checksum that changes with any of them.
func runtimeSources() (blob []byte, version string) {
	blob = make([]byte, 0, 40<<10)
	for _, m := range []struct{ name, source string }{
		{"load", loadSource},
		{"startcache", startcacheSource},
		{"quicksite", quicksiteSource},
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
	return blob, strconv.FormatUint(uint64(crc32.ChecksumIEEE(blob)), 16)
}
