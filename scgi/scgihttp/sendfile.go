package scgihttp

import (
	"io"
	"io/fs"
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"
)

// sniffSize is how many bytes http.DetectContentType looks at.
const sniffSize = 512

// ReadFrom copies a file with sendfile(2), and anything else as io.Copy does.
// http.ServeContent and io.Copy come here. (A *net.TCPConn would do the same, a
// *net.UnixConn has no such method.)
func (r *response) ReadFrom(src io.Reader) (n int64, err error) {
	file, most, ok := regular(src)
	if !ok || r.mayWrite(0) != nil || !r.bodyAllowed() || r.isHead() || r.wire.raw == nil {
		return r.copy(src)
	}
	if !r.sent && !r.noType {
		if n, err = r.copy(io.LimitReader(src, sniffSize)); err != nil || n < sniffSize {
			return n, err
		}
		if most >= 0 {
			most -= n
		}
	}
	if err := r.send(nil); err != nil {
		return n, err
	}
	bounded := r.length >= 0 && (most < 0 || most > r.length-r.wrote)
	if bounded {
		most = r.length - r.wrote
	}
	sent, err := r.sendFile(file, most)
	n += sent
	r.wrote += sent
	if limited, ok := src.(*io.LimitedReader); ok {
		limited.N -= sent
	}
	var rest int64
	switch {
	case err == unix.EINVAL || err == unix.ENOSYS: // not every file system can
		rest, err = r.copy(src)
	case err != nil:
		r.broken(err)
	case bounded && sent == most: // one byte more is one too many, for which there is an error
		rest, err = r.copy(io.LimitReader(src, 1))
	}
	return n + rest, err
}

func (r *response) copy(src io.Reader) (int64, error) {
	return io.Copy(writerOnly{r}, src)
}

// regular returns the regular file that src is, as far as it may be read (-1: to its
// end). os.File.WriteTo passes a file in a type of its own, so that src is checked by
// its methods.
func regular(src io.Reader) (file syscall.Conn, most int64, ok bool) {
	most = -1
	if limited, ok := src.(*io.LimitedReader); ok {
		src, most = limited.R, max(limited.N, 0)
	}
	f, ok := src.(interface {
		fs.File
		syscall.Conn
	})
	if !ok {
		return nil, 0, false
	}
	info, err := f.Stat()
	return f, most, err == nil && info.Mode().IsRegular()
}

// sendFile sends at most that many bytes from a file's offset on (-1: all).
func (r *response) sendFile(file syscall.Conn, most int64) (sent int64, err error) {
	src, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	const part = 1 << 30 // sendfile(2) sends at most 2 GiB - 4 KiB in one call
	r.wire.bound()
	r.wire.waits = 0
	for most != sent {
		size := int64(part)
		if most >= 0 {
			size = min(size, most-sent)
		}
		var n int
		var errno error
		// The file's descriptor stays open for as long as this function runs.
		err = src.Control(func(in uintptr) {
			err := r.wire.raw.Write(func(out uintptr) bool {
				for {
					n, errno = unix.Sendfile(int(out), int(in), nil, int(size))
					if errno != unix.EINTR {
						return errno != unix.EAGAIN
					}
				}
			})
			if err != nil {
				errno = err
			}
		})
		if err == nil {
			err = errno
		}
		if err != nil {
			if again, err := r.wire.again(0, err); !again {
				return sent, err
			}
			continue
		}
		if n <= 0 {
			return sent, nil
		}
		sent += int64(n)
		r.wire.waits = 0
	}
	return sent, nil
}

var _ http.Flusher = (*response)(nil)
