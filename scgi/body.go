package scgi

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ReadBody reads the whole body from c, after the header, into r.Body: a small one into memory, a larger
// one into an unlinked temporary file. The web server has buffered the body, and stops sending when it
// receives a response, which is why an application can't read the body directly.
//
// A nil lim has all defaults. The sender's errors are [ErrBodyTooLarge], [ErrBodyTimeout] and
// [ErrTruncatedBody]; others are those of the file.
func (r *Request) ReadBody(c io.Reader, lim *Limits) error {
	if lim == nil {
		lim = &Limits{}
	}
	switch {
	case r.ContentLength == 0:
		return nil
	case lim.BodyBytes > 0 && r.ContentLength > lim.BodyBytes:
		return ErrBodyTooLarge
	}
	idle := orDefault(lim.BodyTimeout, DefaultBodyTimeout)
	if d, ok := c.(deadliner); ok {
		c = &idleReader{c, d, idle}
		defer d.SetReadDeadline(time.Time{})
	}
	if r.ContentLength <= orDefault(lim.MemoryBytes, DefaultMemoryBytes) {
		r.Body.Data = make([]byte, r.ContentLength)
		return readBody(c, r.Body.Data)
	}
	f, err := tempFile(lim.TempDir)
	if err != nil {
		return err
	}
	if err := copyBody(f, c, r.ContentLength); err != nil {
		f.Close()
		return err
	}
	r.Body.File = f
	return nil
}

func copyBody(f *os.File, c io.Reader, n int64) error {
	buf := make([]byte, 64<<10)
	for n > 0 {
		part := buf
		last := n <= int64(len(part))
		if last {
			part = part[:n]
			if err := readBody(c, part); err != nil {
				return err
			}
		} else if m, err := c.Read(part); err != nil {
			return bodyError(err)
		} else {
			part = part[:m]
		}
		if _, err := f.Write(part); err != nil {
			return err
		}
		n -= int64(len(part))
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// readBody reads the end of a body.
func readBody(c io.Reader, p []byte) error {
	if err := readFull(c, p[:len(p)-1]); err != nil {
		return bodyError(err)
	}
	if err := readLast(c, p[len(p)-1:]); err != nil {
		return bodyError(err)
	}
	return nil
}

func bodyError(err error) error {
	return senderError(err, ErrTruncatedBody, ErrBodyTimeout)
}

// idleReader sets a deadline for each read.
type idleReader struct {
	r    io.Reader
	d    deadliner
	idle time.Duration
}

func (i *idleReader) Read(p []byte) (int, error) {
	_ = i.d.SetReadDeadline(time.Now().Add(i.idle)) // a pipe has none, and is read without
	return i.r.Read(p)
}

// Peek makes an idleReader a Peeker; if the underlying reader is none, the last byte is read.
func (i *idleReader) Peek(p []byte) (int, error) {
	_ = i.d.SetReadDeadline(time.Now().Add(i.idle))
	if k, ok := i.r.(Peeker); ok {
		return k.Peek(p)
	}
	return io.ReadFull(i.r, p)
}

// tempFile makes an unlinked file. On file systems without O_TMPFILE the file is removed at once.
func tempFile(dir string) (*os.File, error) {
	dirs := []string{dir}
	if dir == "" {
		dirs = []string{os.Getenv("TMPDIR"), "/var/tmp", "/tmp"}
	}
	var first error
	for _, d := range dirs {
		if d == "" {
			continue
		}
		if fd, err := unix.Open(d, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600); err == nil {
			return os.NewFile(uintptr(fd), d+"/request body"), nil
		}
		f, err := os.CreateTemp(d, "socketgi-body-")
		if err == nil {
			return f, os.Remove(f.Name())
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}
