package worker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file compares what runtime/websocket.py makes of a client's bytes with what the RFC has of them, written
// a second time for clarity only.

// read is what a server makes of a client's bytes (RFC 6455), in the lines of testdata/websocket.py. Late is for CPython,
// which finds half of a surrogate with the byte after it, for the sake of "surrogatepass".
func read(wire []byte, most int, late bool) string {
	var out strings.Builder
	var message []byte
	kind := byte(0) // of the message that has begun
	for len(wire) >= 2 {
		fin, op, n := wire[0]&0x80 != 0, wire[0]&15, int(wire[1]&127)
		control := op >= 8
		switch {
		case wire[0]&0x70 != 0, wire[1]&0x80 == 0, op > 10, op > 2 && op < 8, control && (!fin || n > 125),
			!control && (op == 0) == (kind == 0):
			return out.String() + "! 1002\n"
		}
		size := map[int]int{126: 4, 127: 10}[n]
		size = max(size, 2)
		if len(wire) < size+4 {
			break
		}
		if size == 4 {
			n = int(binary.BigEndian.Uint16(wire[2:]))
		} else if size == 10 {
			n = int(binary.BigEndian.Uint64(wire[2:]))
		}
		if n < 0 || size == 4 && n < 126 || size == 10 && n < 65536 {
			return out.String() + "! 1002\n"
		}
		if !control && most > 0 && n > most-len(message) {
			return out.String() + "! 1009\n"
		}
		mask, rest := wire[size:size+4], wire[size+4:]
		payload := slices.Clone(rest[:min(n, len(rest))])
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
		whole := n <= len(rest)
		wire = rest[len(payload):]
		switch {
		case control && !whole:
			return out.String()
		case op == 8:
			return out.String() + closed(payload)
		case control:
			fmt.Fprintf(&out, "%d %x\n", op, payload)
			continue
		case op != 0:
			kind, message = op, nil
		}
		message = append(message, payload...)
		last := fin && whole
		if kind == 1 && !isText(message, last, late) {
			return out.String() + "! 1007\n"
		}
		if last {
			fmt.Fprintf(&out, "%d %x\n", kind, message)
			kind, message = 0, nil
		}
	}
	return out.String()
}

func closed(payload []byte) string {
	if len(payload) == 0 {
		return "8 1005 \n"
	}
	code := uint16(0)
	if len(payload) > 1 {
		code = binary.BigEndian.Uint16(payload)
	}
	switch {
	case code < 1000, code >= 1004 && code <= 1006, code > 1014 && code < 3000, code >= 5000:
		return "! 1002\n"
	case !utf8.Valid(payload[2:]):
		return "! 1007\n"
	}
	return fmt.Sprintf("8 %d %x\n", code, payload[2:])
}

// isText reports whether b is UTF-8, or can become it unless that is all.
func isText(b []byte, all, late bool) bool {
	for len(b) > 0 {
		if late && !all && len(b) == 2 && b[0] == 0xed && b[1] >= 0xa0 && b[1] < 0xc0 {
			return true
		}
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			return !all && !utf8.FullRune(b)
		}
		b = b[size:]
	}
	return true
}

type clientBytes struct {
	most uint32
	step byte
	wire []byte
}

// frameReader is a process of Python that reads frames.
type frameReader struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func startFrameReader(t testing.TB, python string) *frameReader {
	cmd := exec.Command(python, "testdata/websocket.py", "runtime")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out) // what a test that failed has not read
		assert.NoError(t, cmd.Wait(), "%s", &stderr)
	})
	return &frameReader{in, bufio.NewReaderSize(out, 1<<20)}
}

// ask compares what Python and Go make of bytes, and returns how many had a message, a violation and neither.
func (r *frameReader) ask(t testing.TB, questions ...clientBytes) (kinds [3]int) {
	batch := make([]byte, 4)
	for _, q := range questions {
		batch = append(binary.LittleEndian.AppendUint32(batch, q.most), q.step)
		batch = append(binary.LittleEndian.AppendUint32(batch, uint32(len(q.wire))), q.wire...)
	}
	binary.LittleEndian.PutUint32(batch, uint32(len(batch)-4))
	_, err := r.in.Write(batch) // Python answers when it has read all of it
	require.NoError(t, err)
	for _, q := range questions {
		var n uint32
		require.NoError(t, binary.Read(r.out, binary.LittleEndian, &n))
		answer := make([]byte, n)
		_, err = io.ReadFull(r.out, answer)
		require.NoError(t, err)
		late := !bytes.Contains(answer, []byte("! 1007"))
		require.Equal(t, read(q.wire, int(q.most), late), string(answer), "%x, %d at most, %d at once", q.wire, q.most, q.step)
		switch {
		case bytes.Contains(answer, []byte{'!'}):
			kinds[1]++
		case n > 0:
			kinds[0]++
		default:
			kinds[2]++
		}
	}
	return kinds
}

// clientFrame makes a frame as a client sends it.
func clientFrame(first byte, mask uint32, payload string) []byte {
	b := []byte{first, 0x80 | byte(len(payload))}
	switch n := len(payload); {
	case n > 65535:
		b[1] = 0xff
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	case n > 125:
		b[1] = 0xfe
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	b = binary.LittleEndian.AppendUint32(b, mask)
	for i := range len(payload) {
		b = append(b, payload[i]^b[len(b)-i-4+i%4])
	}
	return b
}

var framePayloads = []string{"", "", "a", "κόσμε", "\xce", "\xba\xe1", "\xbd\xb9", "\xed\xa0\x80", "\xf4\x90", "\xf4\x8f\xbf\xbf", "\xf0\x9f", "\x98\x80",
	strings.Repeat("x", 125), strings.Repeat("é", 63), strings.Repeat("y", 65535), strings.Repeat("z", 65536)}

// someFrames makes up what a client sends: more often than not what it may.
func someFrames(r *rand.Rand) (q clientBytes) {
	open := false
	for range 1 + r.IntN(6) {
		first := []byte{0x81, 0x82, 0x01, 0x02, 0x89, 0x8a, 0x88}[r.IntN(7)]
		switch {
		case r.IntN(20) == 0:
			first = byte(r.UintN(256))
		case open && first < 0x88:
			first = 0x80 * byte(r.IntN(2))
		}
		payload := framePayloads[r.IntN(len(framePayloads))]
		switch {
		case first == 0x88:
			payload = []string{"", "\x03\xe8", "\x03\xe8bye", "\x03\xed", "\x0b\xb8\xff", "\x13\x87", "\x13\x88", "\x03"}[r.IntN(8)]
		case first > 0x88:
			payload = payload[:min(len(payload), 125+r.IntN(20)/19)]
		default:
			open = first < 0x80
			if first&1 == 1 && !utf8.ValidString(payload) && r.IntN(4) > 0 {
				payload = "ok"
			}
		}
		q.wire = append(q.wire, clientFrame(first, r.Uint32(), payload)...)
	}
	if r.IntN(8) == 0 {
		q.wire[r.IntN(min(len(q.wire), 12))] ^= 1 << r.UintN(8)
	}
	if r.IntN(4) == 0 {
		q.wire = q.wire[:r.IntN(len(q.wire))]
	}
	q.most = []uint32{0, 0, 10, 65536, 1 << 20}[r.IntN(5)]
	if q.step = byte(r.IntN(40)); q.step > 20 || len(q.wire) > 10_000 && q.step > 0 {
		q.step = 0xff * (q.step & 1)
	}
	return q
}

// TestFrames makes up frames, always the same ones.
func TestFrames(t *testing.T) {
	for _, python := range lanePythons(t) {
		p := startFrameReader(t, python)
		r := rand.New(rand.NewPCG(6455, 1))
		var all [3]int
		for range 40 {
			batch := make([]clientBytes, 250)
			for i := range batch {
				batch[i] = someFrames(r)
			}
			for i, n := range p.ask(t, batch...) {
				all[i] += n
			}
		}
		t.Logf("%s: %d with messages, %d violations, %d with nothing whole", python, all[0], all[1], all[2])
		for _, n := range all {
			assert.Greater(t, n, 1000, "hardly anything is compared")
		}
	}
}

// TestFrameBytes tries every byte where a header begins, alone and after the beginning of a message.
func TestFrameBytes(t *testing.T) {
	p := startFrameReader(t, lanePythons(t)[0])
	for first := range 256 {
		var batch []clientBytes
		for second := range 256 {
			wire := append([]byte{byte(first), byte(second)}, make([]byte, 140)...)
			batch = append(batch, clientBytes{100, 0, wire}, clientBytes{100, 1, append(clientFrame(0x01, 7, "a"), wire...)}, clientBytes{0, 0, wire[:2]})
		}
		p.ask(t, batch...)
	}
}

// FuzzFrames gives the reader of frames what a client may send.
func FuzzFrames(f *testing.F) {
	r := rand.New(rand.NewPCG(6455, 2))
	for range 50 {
		if q := someFrames(r); len(q.wire) < 1000 {
			f.Add(q.wire, q.step, q.most)
		}
	}
	p := startFrameReader(f, lanePythons(f)[0])
	f.Fuzz(func(t *testing.T, wire []byte, step byte, most uint32) {
		if len(wire) > 64<<10 {
			t.Skip()
		}
		p.ask(t, clientBytes{most & 0xfffff, step, wire})
	})
}
