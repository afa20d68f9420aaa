package scgi

import "time"

// Limits are the limits of one request. The zero value of a field is its default.
type Limits struct {
	// HeaderBytes is the size in bytes of the largest header block. Default: 64 KiB.
	HeaderBytes int
	// Headers is the largest number of headers. Default: 1000.
	Headers int
	// HeaderTimeout limits the time until the header block is complete. Default: 10 s.
	HeaderTimeout time.Duration
	// BodyBytes is the size in bytes of the largest body. Default: no limit; the web server has its own
	// (nginx: client_max_body_size).
	BodyBytes int64
	// BodyTimeout limits the time without progress of the body. Default: 10 s, as a web server that
	// buffers requests sends the body at once.
	BodyTimeout time.Duration
	// MemoryBytes is the size in bytes of the largest body that is kept in memory. A larger one is stored
	// in an unlinked temporary file. Default: 64 KiB.
	MemoryBytes int64
	// TempDir is the directory of that file. Default: $TMPDIR, else /var/tmp, which unlike /tmp is never
	// in memory (file-hierarchy(7)).
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
