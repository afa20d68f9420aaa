package worker

import (
	"bytes"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// board is memory that a worker shares with this process. The worker writes there what it does
// and what it has done (runtime/board.py, which describes the layout), so that nobody is woken
// for a request, and so that it can be read when the worker has died. A worker can write
// anything there.
type board struct {
	fd   int // for the worker, -1: it has it
	mem  []byte
	read uint64 // records; the board has that for the worker only
}

// The layout.
const (
	boardHead    = 512                                      // bytes in front of the records
	boardRecord  = 512                                      // bytes of each
	boardText    = 64                                       // bytes of it in front of its text
	boardRecords = 256                                      // and one more, for a request whose record is left out
	boardPlaces  = boardHead + (boardRecords+1)*boardRecord // where the places begin, each as large as a record
)

// The words of its head.
const (
	wordState = iota
	wordStarted
	wordConnection
	wordJob
	wordRecord
	wordRecords
	wordLeftOut
	wordRead
	wordAsleep
	wordPlaces
	wordTurn
)

// The words of a place, behind which the text is.
const (
	placeState = iota
	placeStarted
	placeConnection
	placeJob
	placeLength
)

// What a worker is at, where that is no request.
const (
	atWait = 0xffff // it waits for a request
	atTake = 0xfffe // it is about to have one, or done with one
)

// newBoard makes a board with places for so many requests at once.
func newBoard(places int) (*board, error) {
	size := (boardPlaces + places*boardRecord + 4095) / 4096 * 4096
	fd, err := unix.MemfdCreate("socketgi-board", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	b := &board{fd: fd}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		// A worker that makes it smaller would end this process when it looks (SIGBUS, mmap(2)).
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		b.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("making a board", err)
	}
	b.set(wordState, atWait)
	return b, nil
}

// handedOver notes that the worker has the board.
func (b *board) handedOver() {
	if b.fd >= 0 {
		unix.Close(b.fd)
		b.fd = -1
	}
}

func (b *board) close() {
	b.handedOver()
	_ = unix.Munmap(b.mem)
}

func (b *board) word(i int) *uint64      { return (*uint64)(unsafe.Pointer(&b.mem[8*i])) }
func (b *board) get(i int) uint64        { return atomic.LoadUint64(b.word(i)) }
func (b *board) set(i int, value uint64) { atomic.StoreUint64(b.word(i), value) }

// State is what a worker is doing.
type State struct {
	// Begun is how many requests it has begun.
	Begun int64
	// Taking: it is about to begin another, or done with one.
	Taking bool
	// Requests are those that it is at.
	Requests []Current
	// Many: it answers many at once, and times each out by itself.
	Many bool
	// Turn is when the event loop of a worker that answers many has had its last turn.
	Turn time.Time
}

// Busy tells whether the worker is at a request.
func (s *State) Busy() bool { return len(s.Requests) > 0 }

// Current is a request that a worker is at.
type Current struct {
	// Begun is which of the worker's requests it is.
	Begun int64
	// Status is the status of the response to it, 0 before its head goes out.
	Status int
	// Started is when it was begun.
	Started time.Time
	// Job is its number, where the worker was given it ([Job]); else 0.
	Job uint32
	// Connection is the worker's descriptor of the connection.
	Connection int
	text       int // where its text is
	length     uint64
}

// state reads what the worker is doing now.
func (b *board) state(now time.Time) (s State) {
	w := b.get(wordState)
	s = State{Begun: int64(w >> 16), Taking: w&0xffff == atTake}
	if places := b.get(wordPlaces); places > 0 {
		s.Many, s.Turn = true, now.Add(-b.since(b.get(wordTurn)))
		for i := range min(int(min(places, 1<<16)), (len(b.mem)-boardPlaces)/boardRecord) {
			at := (boardPlaces + i*boardRecord) / 8
			if c, ok := b.request(now, at, at+boardText/8); ok {
				c.length = b.get(at + placeLength)
				s.Requests = append(s.Requests, c)
			}
		}
		return s
	}
	if c, ok := b.request(now, wordState, 0); ok {
		record := boardHead/8 + int(min(b.get(wordRecord), boardRecords))*boardRecord/8
		c.text, c.length = record+boardText/8, b.get(record+recordLength)
		s.Requests = []Current{c}
	}
	return s
}

// request reads what a worker is at, from the word of its state on.
func (b *board) request(now time.Time, at, text int) (c Current, ok bool) {
	for range 100 { // nobody has that many requests meanwhile
		w := b.get(at)
		if w == 0 || w&0xffff >= atTake {
			return c, false
		}
		c = Current{Begun: int64(w >> 16), Status: statusCode(int64(w & 0xffff)), Started: now.Add(-b.since(b.get(at + placeStarted))),
			Connection: int(int32(b.get(at + placeConnection))), Job: uint32(b.get(at + placeJob)), text: text}
		if again := b.get(at); again>>16 == w>>16 && again&0xffff < atTake { // so all of that is of one request
			break
		}
	}
	return c, true
}

// since is how long ago a worker says that something was.
func (b *board) since(started uint64) time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(max(0, now.Nano()-int64(min(started, 1<<62))))
}

// asleep has the worker say when it begins a request.
func (b *board) asleep() { b.set(wordAsleep, 1) }

// Served is a request that a worker has accepted by itself, and what became of it.
type Served struct {
	outcome.Result
	// Method, Path and ID are what the log calls it.
	Method, Path, ID string
	// Took is how long it took, from when it was accepted.
	Took time.Duration
	// Begun orders the requests of all workers by when they were begun.
	Begun uint64
}

// served returns the records since the last call, and how many were left out meanwhile.
func (b *board) served() (list []Served, leftOut int) {
	written := b.get(wordRecords)
	if written-b.read > boardRecords { // which no worker of ours does
		b.read = written - min(written, boardRecords)
	}
	for ; b.read < written; b.read++ {
		list = append(list, b.record(int(b.read%boardRecords)))
	}
	b.set(wordRead, written)
	return list, int(min(atomic.SwapUint64(b.word(wordLeftOut), 0), 1<<30))
}

// named is a request that the worker is at, which it has accepted by itself, as the log calls it.
func (b *board) named(c Current) (s Served) {
	s.End = outcome.Whole
	s.name(b.text(c.text, c.length))
	return s
}

// text reads a text from a word on.
func (b *board) text(at int, length uint64) []byte {
	return b.mem[8*at:][:min(length, boardRecord-boardText)]
}

// record reads one record.
func (b *board) record(i int) (s Served) {
	at := boardHead/8 + i*boardRecord/8
	s.Took = time.Duration(min(b.get(at), 1<<62))
	s.Bytes = counted(b.get(at + 1))
	s.CPU = time.Duration(counted(b.get(at+2))) * time.Microsecond
	s.Growth = counted(b.get(at+3)) << 10
	s.Status = statusCode(counted(b.get(at + 4)))
	s.End = outcome.Whole
	if b.get(at+5) != 0 {
		s.End = outcome.Left
	}
	s.Begun = b.get(at + 6)
	s.name(b.text(at+boardText/8, b.get(at+recordLength)))
	return s
}

// recordLength is the word of a record that has the length of its text.
const recordLength = 7

// name takes METHOD NUL PATH NUL ID apart.
func (s *Served) name(text []byte) {
	method, rest, _ := bytes.Cut(text, []byte{0})
	path, id, _ := bytes.Cut(rest, []byte{0})
	s.Method, s.Path, s.ID = string(method), string(path), string(id)
}

// counted is never more than can be counted in smaller units.
func counted(n uint64) int64 { return int64(min(n, 1<<50)) }
