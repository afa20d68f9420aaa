package scgi

import "time"

// Limits bound what one request may cost. The zero value of each field means
// its default.
type Limits struct {
	// HeaderBytes is the largest header block, in bytes. Default 64 KiB.
	HeaderBytes int
	// Headers is the largest number of headers. Default 1000.
	Headers int
	// HeaderTimeout is the time in which the header block must have arrived.
	// Default 10 s.
	HeaderTimeout time.Duration
	// BodyBytes is the largest body, in bytes. Default: no limit; the web
	// server has one of its own (nginx: client_max_body_size).
	BodyBytes int64
	// BodyTimeout is how long the body may make no progress. Default 10 s: a web server that
	// buffers requests has all of the body, whatever its client does.
	BodyTimeout time.Duration
	// MemoryBytes is the largest body that is kept in memory; a larger one goes
	// to an unlinked temporary file. Default 64 KiB.
	MemoryBytes int64
	// TempDir is where that file is made. Default $TMPDIR, else /var/tmp, which
	// unlike /tmp is never held in memory (file-hierarchy(7)).
	TempDir string
}

// The defaults of [Limits].
const (
	DefaultHeaderBytes   = 64 << 10
	DefaultHeaders       = 1000
	DefaultHeaderTimeout = 10 * time.Second
	DefaultBodyTimeout   = 10 * time.Second
	DefaultMemoryBytes   = 64 << 10
)

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}
