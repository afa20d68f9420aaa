package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mostSaid limits the output of a check that is kept: its end, which has the reason.
const mostSaid = 16 << 10

// outletPrefix begins the name of the directory of an outlet; the process id of its reader follows.
const outletPrefix = ".socketgi-check-"

// outlet is a FIFO for the output of a check. It is read continuously, and only its end is kept: a file could
// fill the file system in memory that systemd needs, and the writer of an unread FIFO would block.
type outlet struct {
	path string

	dir     string
	fd      int // also open for writing, so that there is no end of file before the first writer
	end     [2]int
	drained chan struct{}

	// Of the reader, until it is drained.
	text  []byte
	total int64
}

// newOutlet creates an outlet in a directory. Other users can't read it: a traceback may contain secrets.
func newOutlet(runtime string) (o *outlet, err error) {
	o = &outlet{drained: make(chan struct{})}
	if o.dir, err = os.MkdirTemp(runtime, fmt.Sprintf("%s%d-", outletPrefix, os.Getpid())); err != nil {
		return nil, err
	}
	o.path = filepath.Join(o.dir, "output")
	if err = unix.Mkfifo(o.path, 0o600); err == nil {
		o.fd, err = unix.Open(o.path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		if err = unix.Pipe2(o.end[:], unix.O_CLOEXEC); err != nil {
			unix.Close(o.fd)
		}
	}
	if err != nil {
		_ = os.RemoveAll(o.dir)
		return nil, &os.PathError{Op: "mkfifo", Path: o.path, Err: err}
	}
	go o.read()
	return o, nil
}

func (o *outlet) read() {
	defer close(o.drained)
	buf := make([]byte, 64<<10)
	for ending := false; !ending; {
		fds := []unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLIN}, {Fd: int32(o.end[0]), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		ending = fds[1].Revents != 0
		// More than the capacity of a FIFO is the output of a process that continues: it is not waited for.
		for range 64 {
			n, err := unix.Read(o.fd, buf)
			if n <= 0 || err != nil {
				break
			}
			o.keep(buf[:n])
		}
	}
}

func (o *outlet) keep(p []byte) {
	o.total += int64(len(p))
	o.text = append(o.text, p...)
	if more := len(o.text) - mostSaid; more > 0 {
		o.text = append(o.text[:0], o.text[more:]...)
	}
}

// said returns the end of the output so far, and closes the FIFO.
func (o *outlet) said() string {
	o.close()
	text := strings.TrimSpace(string(o.text))
	if left := o.total - int64(len(o.text)); left > 0 {
		text = fmt.Sprintf("... (the last %d bytes; %d bytes before them are omitted)\n%s", len(o.text), left, text)
	}
	return text
}

// close removes the FIFO. Further writes fail.
func (o *outlet) close() {
	if o.dir == "" {
		return
	}
	unix.Close(o.end[1])
	<-o.drained
	unix.Close(o.end[0])
	unix.Close(o.fd)
	_ = os.RemoveAll(o.dir)
	o.dir = ""
}
