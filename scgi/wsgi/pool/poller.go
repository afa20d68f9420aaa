package pool

import (
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for descriptors (epoll(7)), and calls what belongs to those that are
// readable or closed. It is for use by one goroutine.
type poller struct {
	fd       int
	handlers []func() // by descriptor
	events   [64]unix.EpollEvent
	happened int // how many of events the last wait has seen
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &poller{fd: fd}, nil
}

// add calls handle whenever fd is readable, until remove.
func (p *poller) add(fd int, handle func()) error { return p.register(fd, unix.EPOLLIN, handle) }

// addEdge calls handle once for all that has arrived, and again when more has.
func (p *poller) addEdge(fd int, handle func()) error {
	const edge = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff
	return p.register(fd, edge, handle)
}

func (p *poller) register(fd int, events uint32, handle func()) error {
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	for len(p.handlers) <= fd {
		p.handlers = append(p.handlers, nil)
	}
	p.handlers[fd] = handle
	return nil
}

// remove forgets fd, which may be about to be closed.
func (p *poller) remove(fd int) {
	if fd >= 0 && fd < len(p.handlers) && p.handlers[fd] != nil {
		p.handlers[fd] = nil
		_ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil)
	}
}

// shortWait is how many milliseconds are waited without telling Go's scheduler, which
// would look after this thread every 20 microseconds and at times give its work to another
// one: under load something comes before.
const shortWait = 2

// wait waits for ms milliseconds at most, -1: for ever.
func (p *poller) wait(ms int) error {
	short := shortWait
	if ms >= 0 {
		short = min(ms, shortWait)
	}
	r, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), uintptr(short), 0, 0)
	n := int(r)
	if errno == 0 && n == 0 && short != ms {
		var err error
		if n, err = unix.EpollWait(p.fd, p.events[:], ms); err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
	}
	if errno != 0 {
		n = 0
	}
	p.happened = max(n, 0)
	return nil
}

// handle handles what wait has seen. A handler may be called for a descriptor that was closed
// and opened again since: it has to look.
func (p *poller) handle() {
	for _, e := range p.events[:p.happened] {
		if handle := p.handlers[e.Fd]; handle != nil {
			handle()
		}
	}
}

// mailbox is how other goroutines have something done by that of a poller.
type mailbox struct {
	wake      int // an eventfd
	mu        sync.Mutex
	callbacks []func()
}

func newMailbox() (*mailbox, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return &mailbox{wake: fd}, os.NewSyscallError("eventfd", err)
}

func (m *mailbox) post(callback func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.callbacks = append(m.callbacks, callback)
	if len(m.callbacks) == 1 {
		_, _ = unix.Write(m.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (m *mailbox) open() {
	var b [8]byte
	_, _ = unix.Read(m.wake, b[:])
	m.mu.Lock()
	callbacks := m.callbacks
	m.callbacks = nil
	m.mu.Unlock()
	for _, callback := range callbacks {
		callback()
	}
}
