package worker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file holds the fast lane (runtime/fastlane.py) to its law: what it accepts, the decoder of package
// scgi accepts, and makes the same variables and the same body of.

var fastLaneRequests = flag.Int("fastlane-requests", 20_000, "how many `requests` TestFastLane makes up, thrice as many where SOCKETGI_PYTHONS is set")

// laneConfig is what a decoder is told.
type laneConfig struct {
	mount    string
	limits   scgi.Limits
	declined string
}

var laneConfigs = []laneConfig{
	{},
	{mount: "/app", declined: "HTTP_X_PROBE HTTP_X_A"},
	{mount: "/app/", limits: scgi.Limits{BodyBytes: 10}},
	{limits: scgi.Limits{HeaderBytes: 512}},
	{mount: "/", limits: scgi.Limits{Headers: 20}},
}

// lane is a process of Python that has a decoder for each of laneConfigs.
type lane struct {
	in  io.WriteCloser
	out *bufio.Reader
}

type question struct {
	config int
	wire   []byte
}

func startLane(t testing.TB, python string) *lane {
	args := []string{"testdata/fastlane.py", "runtime"}
	for _, c := range laneConfigs {
		args = append(args, c.mount, strconv.Itoa(c.limits.HeaderBytes), strconv.Itoa(c.limits.Headers), strconv.FormatInt(c.limits.BodyBytes, 10), c.declined)
	}
	cmd := exec.Command(python, args...)
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
		assert.NoError(t, cmd.Wait(), "%s", &stderr)
	})
	return &lane{in, bufio.NewReaderSize(out, 1<<20)}
}

// ask compares what Python and Go make of requests, and returns how many the fast lane has accepted.
func (l *lane) ask(questions ...question) (accepted int, err error) {
	batch := make([]byte, 4)
	for _, q := range questions {
		batch = binary.LittleEndian.AppendUint32(append(batch, byte(q.config)), uint32(len(q.wire)))
		batch = append(batch, q.wire...)
	}
	binary.LittleEndian.PutUint32(batch, uint32(len(batch)-4))
	if _, err := l.in.Write(batch); err != nil {
		return 0, err
	}
	for _, q := range questions {
		var lengths struct{ Params, Body int32 }
		if err := binary.Read(l.out, binary.LittleEndian, &lengths); err != nil {
			return 0, err
		}
		if lengths.Params < 0 {
			continue
		}
		accepted++
		answer := make([]byte, lengths.Params+lengths.Body)
		if _, err := io.ReadFull(l.out, answer); err != nil {
			return 0, err
		}
		if err := laneConfigs[q.config].compare(q.wire, answer[:lengths.Params], answer[lengths.Params:]); err != nil {
			return 0, fmt.Errorf("%+v, %q: %w", laneConfigs[q.config], q.wire, err)
		}
	}
	return accepted, nil
}

// wireReader is a Peeker, as a connection is.
type wireReader struct{ *bytes.Reader }

func (r wireReader) Peek(p []byte) (int, error) {
	n, err := r.ReadAt(p, r.Size()-int64(r.Len()))
	if n > 0 {
		err = nil
	}
	return n, err
}

// compare tells how what the fast lane has accepted differs from what is right.
func (c *laneConfig) compare(wire, params, body []byte) error {
	r := wireReader{bytes.NewReader(wire)}
	req, err := scgi.ReadRequest(r, &c.limits)
	if err != nil {
		return err
	}
	want, err := req.Params(c.mount)
	switch {
	case err != nil:
		return err
	case r.Len() != 1:
		return fmt.Errorf("%d bytes follow", r.Len()-1)
	case !bytes.Equal(body, req.Body.Data):
		return fmt.Errorf("body %q, not %q", body, req.Body.Data)
	}
	declined := strings.Fields(c.declined)
	parts := strings.Split(string(params), "\x00")
	got := make(map[string]string, len(want))
	for i := 0; i+1 < len(parts); i += 2 {
		got[parts[i]] = parts[i+1]
	}
	for _, h := range want {
		if value, ok := got[h.Name]; !ok || value != h.Value {
			return fmt.Errorf("%s is %q (%t), not %q", h.Name, value, ok, h.Value)
		}
		for _, name := range declined {
			if h.Name == name {
				return errors.New("it has " + name)
			}
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("variables %q, not %q", got, want)
	}
	return nil
}

type sent struct {
	fast   bool
	server string
	wire   []byte
}

// webServers reads what web servers have sent.
func webServers(t testing.TB) (all []sent) {
	data, err := os.ReadFile("testdata/webservers.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		head, quoted, ok := strings.Cut(strings.TrimSpace(line), ` "`)
		require.True(t, ok, line)
		wire, err := strconv.Unquote(`"` + quoted)
		require.NoError(t, err, line)
		lane, server, _ := strings.Cut(head, " ")
		require.Contains(t, []string{"fast", "slow"}, lane)
		all = append(all, sent{lane == "fast", server, []byte(wire)})
	}
	return all
}

// lanePythons are those that SOCKETGI_PYTHONS names, by default the system's python3 (elsewhere that of PATH) and pypy3.
func lanePythons(t testing.TB) (found []string) {
	names := []string{"python3", "pypy3"}
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		names[0] = "/usr/bin/python3"
	}
	if list := os.Getenv("SOCKETGI_PYTHONS"); list == "all" {
		home, _ := os.UserHomeDir()
		for minor := 8; minor < 16; minor++ {
			names = append(names, fmt.Sprintf("python3.%d", minor))
			more, _ := filepath.Glob(fmt.Sprintf("%s/.pyenv/versions/3.%d.*/bin/python3", home, minor))
			names = append(names, more...)
		}
	} else if list != "" {
		return filepath.SplitList(list)
	}
	for _, name := range names {
		if exec.Command(name, "-c", "").Run() == nil {
			found = append(found, name)
		}
	}
	require.NotEmpty(t, found, "no python3 in PATH")
	return found
}

// TestFastLaneAccepts asks for what web servers have sent: the ordinary requests are accepted.
func TestFastLaneAccepts(t *testing.T) {
	for _, python := range lanePythons(t) {
		l := startLane(t, python)
		for _, s := range webServers(t) {
			accepted, err := l.ask(question{0, s.wire})
			require.NoError(t, err)
			assert.Equal(t, s.fast, accepted == 1, "%s: %s, %q", python, s.server, s.wire)
		}
	}
}

// TestFastLane makes requests up, always the same ones, of what web servers have sent.
func TestFastLane(t *testing.T) {
	requests := *fastLaneRequests
	if os.Getenv("SOCKETGI_PYTHONS") != "" {
		requests *= 3
	}
	for _, python := range lanePythons(t) {
		var accepted, asked atomic.Int64
		t.Run(filepath.Base(python), func(t *testing.T) {
			lanes := runtime.GOMAXPROCS(0)
			for seed := range lanes {
				t.Run(strconv.Itoa(seed), func(t *testing.T) {
					t.Parallel()
					l := startLane(t, python)
					m := newMutator(t, uint64(seed))
					for left := requests / lanes; left > 0; {
						batch := make([]question, min(left, 500))
						for i := range batch {
							batch[i] = question{m.IntN(len(laneConfigs)), m.request()}
						}
						n, err := l.ask(batch...)
						require.NoError(t, err)
						left -= len(batch)
						asked.Add(int64(len(batch)))
						accepted.Add(int64(n))
					}
				})
			}
		})
		t.Logf("%s: %d of %d requests accepted", python, accepted.Load(), asked.Load())
		assert.Greater(t, accepted.Load(), asked.Load()/10, "hardly anything is compared")
		assert.Less(t, accepted.Load(), asked.Load()/2)
	}
}

// TestFastLaneBytes puts every byte into every name and value of a request.
func TestFastLaneBytes(t *testing.T) {
	s := newMutator(t, 0).seeds[1]
	l := startLane(t, lanePythons(t)[0])
	for c := range 256 {
		var questions []question
		for i := range s.headers {
			h := &s.headers[i]
			was := *h
			h.Name += string([]byte{byte(c)})
			questions = append(questions, question{0, s.wire()})
			*h = was
			h.Value += string([]byte{byte(c)})
			questions = append(questions, question{0, s.wire()})
			*h = was
		}
		_, err := l.ask(questions...)
		require.NoError(t, err)
	}
}

// TestFastLaneForgets has clients make up names and hosts: testdata/fastlane.py looks in the end
// at what is remembered of them.
func TestFastLaneForgets(t *testing.T) {
	l := startLane(t, lanePythons(t)[0])
	for i := range 3000 {
		number := strings.Repeat("N", i%200) + strconv.Itoa(i)
		block := strings.ReplaceAll("CONTENT_LENGTH 0 SCGI 1 REQUEST_METHOD GET REQUEST_URI / DOCUMENT_URI / SERVER_PROTOCOL HTTP/1.1 "+
			"SERVER_NAME x SERVER_PORT 80 HTTP_HOST "+number+" HTTP_"+number+" x ", " ", "\x00")
		accepted, err := l.ask(question{0, frame([]byte(block), nil)})
		require.NoError(t, err)
		require.Equal(t, 1, accepted, block)
	}
}

// FuzzFastLane gives the fast lane a header block and a body; how says which decoder is asked, and
// what is put around the block: a netstring, and a right CONTENT_LENGTH.
func FuzzFastLane(f *testing.F) {
	for _, s := range webServers(f) {
		block, body := cutWire(s.wire)
		_, rest, _ := bytes.Cut(block[len("CONTENT_LENGTH")+1:], []byte{0})
		f.Add(s.wire, []byte{}, byte(0))
		f.Add(block, body, byte(1))
		f.Add(rest, body, byte(2))
	}
	l := startLane(f, lanePythons(f)[0])
	f.Fuzz(func(t *testing.T, block, body []byte, how byte) {
		wire := block
		if how%3 == 2 {
			block = append([]byte("CONTENT_LENGTH\x00"+strconv.Itoa(len(body))+"\x00"), block...)
		}
		if how%3 > 0 {
			wire = frame(block, body)
		}
		if len(wire) > 64<<10 {
			t.Skip()
		}
		_, err := l.ask(question{int(how/3) % len(laneConfigs), wire})
		require.NoError(t, err)
	})
}
