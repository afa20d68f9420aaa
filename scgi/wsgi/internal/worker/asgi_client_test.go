package worker

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file has clients that look at a response while it is made, or leave in the middle of it.

// readUntil reads from a connection until the text is there, and returns all of it.
func readUntil(t *testing.T, conn *os.File, text string) string {
	var all strings.Builder
	buf := make([]byte, 1<<16)
	for !strings.Contains(all.String(), text) {
		n, err := conn.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			assert.Contains(t, all.String(), text)
			break
		}
	}
	return all.String()
}

// TestASGIStreams reads each part of a response before the next one is sent.
func TestASGIStreams(t *testing.T) {
	eachASGI(t, startASGI+`
    for i in range(3):
        await send({'type': 'http.response.body', 'body': b'data: %d\n\n' % i, 'more_body': True})
        while not os.path.exists('%s/read-%d' % (os.path.dirname(__file__), i)):
            await asyncio.sleep(0.005)
    await send({'type': 'http.response.body', 'body': b''})
`, func(a *asgi) {
		ans := a.ask(variables(), "", func(conn *os.File) {
			for _, i := range []string{"0", "1", "2"} {
				readUntil(a.t, conn, "data: "+i+"\n\n")
				assert.NoError(a.t, os.WriteFile(filepath.Join(a.dir, "read-"+i), nil, 0o600))
			}
			_, err := io.ReadAll(conn)
			assert.NoError(a.t, err)
		})
		assert.Nil(a.t, ans.Problem)
		assert.Equal(a.t, outcome.Whole, ans.End)
		assert.EqualValues(a.t, len("data: 0\n\n")*3, ans.Bytes)
	})
}

// TestASGIHead has an application wait between the start of a response and its first piece: the head
// goes out meanwhile.
func TestASGIHead(t *testing.T) {
	eachASGI(t, startASGI+`
    while not os.path.exists(os.path.dirname(__file__) + '/read'):
        await asyncio.sleep(0.005)
    await send({'type': 'http.response.body', 'body': b'late'})
`, func(a *asgi) {
		ans := a.ask(variables(), "", func(conn *os.File) {
			assert.Equal(a.t, "Status: 200 OK\r\ncontent-type: text/plain\r\n\r\n", readUntil(a.t, conn, "\r\n\r\n"))
			assert.NoError(a.t, os.WriteFile(filepath.Join(a.dir, "read"), nil, 0o600))
			all, err := io.ReadAll(conn)
			assert.NoError(a.t, err)
			assert.Equal(a.t, "late", string(all))
		})
		assert.Nil(a.t, ans.Problem)
		assert.Equal(a.t, outcome.Whole, ans.End)
	})
}

// TestASGIBackground has an application go on after its response: the client sees the end before, and what
// goes on counts against the timeout.
func TestASGIBackground(t *testing.T) {
	eachASGI(t, helloASGI+`
    while not os.path.exists(os.path.dirname(__file__) + '/read'):
        await asyncio.sleep(0.005)
    print('done')
`, func(a *asgi) {
		ans := a.ask(variables(), "", func(conn *os.File) {
			all, err := io.ReadAll(conn)
			assert.NoError(a.t, err)
			assert.True(a.t, strings.HasSuffix(string(all), "hello"), "%s", all)
			assert.NoError(a.t, os.WriteFile(filepath.Join(a.dir, "read"), nil, 0o600))
		})
		assert.Nil(a.t, ans.Problem)
		assert.Equal(a.t, "done\n", a.logged())

		require.NoError(a.t, os.Remove(filepath.Join(a.dir, "read")))
		a.timeout = 3 * time.Second
		ans = a.ask(variables(), "", nil)
		require.NotNil(a.t, ans.Problem)
		assert.Equal(a.t, outcome.Timeout, ans.Problem.Kind)
		assert.True(a.t, strings.HasSuffix(ans.sent, "hello"), "%s", ans.sent)
	})
}

// TestASGIClientLeaves has the client close the connection in the middle of a response, or before it.
func TestASGIClientLeaves(t *testing.T) {
	const (
		waits = `
    await receive()
    print(await receive())
`
		listens = `
    async def tell():
        await receive()
        print(await receive())
        event.set()
    event = asyncio.Event()
    task = asyncio.ensure_future(tell())` + startASGI + `
    await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})
    await event.wait()
`
		sends = startASGI + `
    while True:
        await send({'type': 'http.response.body', 'body': b'x' * 1000, 'more_body': True})
        await asyncio.sleep(0)
`
		catches = startASGI + `
    class ClientDisconnect(Exception):
        pass
    try:
        while True:
            await send({'type': 'http.response.body', 'body': b'x' * 100000, 'more_body': True})
    except OSError as e:
        print('caught', type(e).__mro__[-5:-3])
        raise ClientDisconnect
`
	)
	for name, row := range map[string]struct{ app, log string }{
		"disconnect: sent if receive is called after the HTTP connection has been closed":           {waits, "{'type': 'http.disconnect'}\n"},
		"disconnect: in the middle of a response":                                                   {listens, "{'type': 'http.disconnect'}\n"},
		"if send() is called on a closed connection the server should raise a subclass of OSError":  {sends, ""},
		"servers must be prepared to catch this exception if they raised it, and should not log it": {catches, "caught "},
	} {
		t.Run(name, func(t *testing.T) {
			eachASGI(t, row.app, func(a *asgi) {
				ans := a.ask(variables(), "", func(conn *os.File) {
					if row.app != waits {
						readUntil(a.t, conn, "x")
					}
				})
				assert.Nil(a.t, ans.Problem, "%v", ans.Problem)
				assert.Equal(a.t, outcome.Left, ans.End)
				assert.True(a.t, strings.HasPrefix(a.logged(), row.log), "%s", a.logged())
				if row.log == "" {
					assert.Empty(a.t, a.logged())
				}
			})
		})
	}
}

// TestASGIHalfClosed has a client that sends nothing more, and reads on: it has not left.
func TestASGIHalfClosed(t *testing.T) {
	eachASGI(t, `
    await receive()
    done, waiting = await asyncio.wait([asyncio.ensure_future(receive())], timeout=0.1)
    assert waiting`+helloASGI, func(a *asgi) {
		ans := a.ask(variables(), "", func(conn *os.File) {
			assert.NoError(a.t, shutWrite(conn))
			all, err := io.ReadAll(conn)
			assert.NoError(a.t, err)
			assert.True(a.t, strings.HasSuffix(string(all), "hello"), "%s", all)
		})
		assert.Nil(a.t, ans.Problem)
	})
}

// TestASGIStuck has a client that reads nothing, for longer than the web server may.
func TestASGIStuck(t *testing.T) {
	eachASGI(t, startASGI+`
    while True:
        await send({'type': 'http.response.body', 'body': b'x' * 1000000, 'more_body': True})
`, func(a *asgi) {
		a.patience = 100 * time.Millisecond
		stuck := make(chan struct{})
		ans := a.ask(variables(), "", func(conn *os.File) {
			<-stuck
		}, stuck)
		require.NotNil(a.t, ans.Problem)
		assert.Contains(a.t, ans.Problem.Text, "the web server has read nothing of the response")
	})
}

// TestASGIForks has the application fork during a request: the child has no part in the response.
func TestASGIForks(t *testing.T) {
	for name, app := range map[string]string{
		"the child comes back": "    await receive()\n    pid = os.fork()\n    if not pid:\n        return\n    os.waitpid(pid, 0)" + helloASGI,
		"the child answers": `
    await receive()
    pid = os.fork()
    if not pid:
        try:
            await send({'type': 'http.response.start', 'status': 500})
            await send({'type': 'http.response.body', 'body': b'child'})
        except RuntimeError as e:
            print(e)
        return
    os.waitpid(pid, 0)` + helloASGI,
		"the child raises": "    pid = os.fork()\n    if not pid:\n        raise KeyError('child')\n    os.waitpid(pid, 0)" + helloASGI,
		"the child exits":  "    pid = os.fork()\n    if not pid:\n        sys.exit(7)\n    assert os.waitpid(pid, 0)[1] == 7 << 8" + helloASGI,
	} {
		t.Run(name, func(t *testing.T) {
			eachASGI(t, app, func(a *asgi) {
				assert.Equal(a.t, "Status: 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", a.get())
				switch name {
				case "the child answers":
					assert.Equal(a.t, "a process that was forked during a request cannot send a response\n", a.logged())
				case "the child raises":
					assert.Contains(a.t, a.logged(), "KeyError: 'child'")
				default:
					assert.Empty(a.t, a.logged())
				}
			})
		})
	}
}

// TestASGIThread leaves a thread behind that has no end: the response is whole, and the process is killed.
func TestASGIThread(t *testing.T) {
	eachASGI(t, "    import time\n    asyncio.get_running_loop().run_in_executor(None, time.sleep, 1000)"+helloASGI, func(a *asgi) {
		a.timeout = 3 * time.Second
		ans := a.ask(variables(), "", nil)
		assert.Nil(a.t, ans.Problem, "%v", ans.Problem)
		assert.Equal(a.t, outcome.Whole, ans.End)
		assert.True(a.t, strings.HasSuffix(ans.sent, "hello"))
		assert.True(a.t, ans.usage.Status.Signaled(), "%v", ans.usage)
	})
}
