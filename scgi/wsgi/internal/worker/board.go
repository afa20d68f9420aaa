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

// board is memory that a worker shares with this process. The worker writes its current requests and
// the records of completed ones to it, so that a request wakes no other process, and the state of a
// dead worker can be read. runtime/board.py describes the layout. An application can write anything
// to it.
type board struct {
	fd   int // for the worker; -1: it has been passed
	mem  []byte
	read uint64 // records that were read; the copy on the board is for the worker
}

// The layout.
const (
	boardHead    = 512                                      // size of the head, in bytes
	boardRecord  = 512                                      // size of a record
	boardText    = 64                                       // offset of the text in a record
	boardRecords = 256                                      // and another one, for a request whose record is dropped
	boardPlaces  = boardHead + (boardRecords+1)*boardRecord // offset of the places, which have the size of a record
)

// The words of the head.
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

// The words of a place. Its text follows.
const (
	placeState = iota
	placeStarted
	placeConnection
	placeJob
	placeLength
)

// The states of a worker without a request.
const (
	atWait = 0xffff // it waits for a request
	atTake = 0xfffe // it is about to begin a request, or has just completed one
)

// newBoard creates a board with places for that many requests at once.
func newBoard(places int) (*board, error) {
	size := (boardPlaces + places*boardRecord + 4095) / 4096 * 4096
	fd, err := unix.MemfdCreate("socketgi-board", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	b := &board{fd: fd}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		// If a worker made it smaller, reading it would kill this process (SIGBUS, mmap(2)).
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		b.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("allocating shared memory", err)
	}
	b.set(wordState, atWait)
	return b, nil
}

// handedOver closes the descriptor after it was passed to the worker.
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

// State is the state of a worker.
type State struct {
	// Begun is the number of requests that it has begun.
	Begun int64
	// Taking: it is about to begin a request, or has just completed one.
	Taking bool
	// Requests are its current requests.
	Requests []Current
	// Many: it handles many requests at once, and applies the timeout itself.
	Many bool
	// Turn is the time of the last turn of its event loop, if Many.
	Turn time.Time
}

// Busy returns whether the worker has requests.
func (s *State) Busy() bool { return len(s.Requests) > 0 }

// Current is a current request of a worker.
type Current struct {
	// Begun is its number among the worker's requests.
	Begun int64
	// Status is the status of its response; 0: the head has not been sent.
	Status int
	// Started is the time when the worker began it.
	Started time.Time
	// Job is the number of its [Job]; 0: the worker has accepted it.
	Job uint32
	// Connection is the worker's descriptor of the connection.
	Connection int
	text       int    // the word where its text begins
	length     uint64 // of the text, in bytes
}

// state reads the state of the worker.
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

// request reads a current request. at is the word of its state, text that of its text.
func (b *board) request(now time.Time, at, text int) (c Current, ok bool) {
	for range 100 { // no worker begins that many requests in between
		w := b.get(at)
		if w == 0 || w&0xffff >= atTake {
			return c, false
		}
		c = Current{Begun: int64(w >> 16), Status: statusCode(int64(w & 0xffff)), Started: now.Add(-b.since(b.get(at + placeStarted))),
			Connection: int(int32(b.get(at + placeConnection))), Job: uint32(b.get(at + placeJob)), text: text}
		if again := b.get(at); again>>16 == w>>16 && again&0xffff < atTake { // all words were of one request
			break
		}
	}
	return c, true
}

// since returns the time since a worker's timestamp.
func (b *board) since(started uint64) time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(max(0, now.Nano()-int64(min(started, 1<<62))))
}

// asleep has the worker report when it begins its next request.
func (b *board) asleep() { b.set(wordAsleep, 1) }

// Served is a request that a worker has accepted, and its result.
type Served struct {
	outcome.Result
	// Method, Path and ID identify it in the log.
	Method, Path, ID string
	// Took is the time since it was accepted.
	Took time.Duration
	// Begun is when it was begun, comparable between workers.
	Begun uint64
}

// served returns the records since the last call, and the number of requests without one, because
// none was free.
func (b *board) served() (list []Served, leftOut int) {
	written := b.get(wordRecords)
	if written-b.read > boardRecords { // an application has written to the board
		b.read = written - min(written, boardRecords)
	}
	for ; b.read < written; b.read++ {
		list = append(list, b.record(int(b.read%boardRecords)))
	}
	b.set(wordRead, written)
	return list, int(min(atomic.SwapUint64(b.word(wordLeftOut), 0), 1<<30))
}

// named returns the method, path and id of a current request that the worker has accepted.
func (b *board) named(c Current) (s Served) {
	s.End = outcome.Whole
	s.name(b.text(c.text, c.length))
	return s
}

// text returns a text that begins at a word.
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

// recordLength is the word of a record with the length of its text.
const recordLength = 7

// name parses METHOD NUL PATH NUL ID.
func (s *Served) name(text []byte) {
	method, rest, _ := bytes.Cut(text, []byte{0})
	path, id, _ := bytes.Cut(rest, []byte{0})
	s.Method, s.Path, s.ID = string(method), string(path), string(id)
}

// counted limits a number, so that a conversion to smaller units doesn't overflow.
func counted(n uint64) int64 { return int64(min(n, 1<<50)) }
