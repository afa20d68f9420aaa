package worker

import (
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
)

// TestASGIHTTP is the table of the receive and send events.
func TestASGIHTTP(t *testing.T) {
	const ok = "Status: 200 OK\r\n"
	for sentence, row := range map[string]struct {
		app       string
		variables string
		body      string
		sent      string // all of it
		end       outcome.End
		problem   string // is contained in what is wrong; "": nothing is
		log       string // is contained in what is printed; "": nothing is, "*": anything may be
	}{
		"receive: missing more_body, the request is complete": {
			app: "    x = await receive()\n    assert x == {'type': 'http.request', 'body': b'abc', 'more_body': False}, x" + helloASGI, body: "abc",
			variables: "REQUEST_METHOD=POST CONTENT_LENGTH=3", sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		"receive: an empty body is b''": {app: "    x = await receive()\n    assert x == {'type': 'http.request', 'body': b'', 'more_body': False}, x" + helloASGI,
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		"receive: more_body signifies if there is additional content": {app: `
    pieces = []
    while True:
        x = await receive()
        assert x['type'] == 'http.request'
        pieces.append(x['body'])
        if not x['more_body']:
            break
    assert len(pieces) == 3 and all(pieces), len(pieces)
    body = b''.join(pieces)
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body', 'body': b'%d %r' % (len(body), body[-3:])})`,
			body: strings.Repeat("x", 140_000) + "end", variables: "CONTENT_LENGTH=140003", sent: ok + "Content-Length: 13\r\n\r\n140003 b'end'"},
		"receive: a body of which the last piece is a whole one": {app: `
    sizes = []
    while not sizes or x['more_body']:
        x = await receive()
        sizes.append(len(x['body']))
    assert sizes == [65536, 65536], sizes` + helloASGI,
			body: strings.Repeat("x", 131072), sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		"disconnect is sent if receive is called after a response has been sent": {app: helloASGI +
			"    await receive()\n    x = await receive()\n    print(x)\n    assert await receive() == x", sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
			log: "{'type': 'http.disconnect'}"},
		"disconnect is sent to a task that has called receive before the response was sent": {
			app:  "    await receive()\n    task = asyncio.ensure_future(receive())\n    await asyncio.sleep(0)" + helloASGI + "    print(await task)",
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", log: "{'type': 'http.disconnect'}"},

		"start: headers are optional": {app: "    await send({'type': 'http.response.start', 'status': 404})\n    await send({'type': 'http.response.body'})",
			sent: "Status: 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		"start: an HTTPStatus": {app: "    import http\n    await send({'type': 'http.response.start', 'status': http.HTTPStatus.CREATED})\n    await send({'type': 'http.response.body'})",
			sent: "Status: 201 Created\r\nContent-Length: 0\r\n\r\n"},
		"start: a status that has no phrase": {app: "    await send({'type': 'http.response.start', 'status': 299})\n    await send({'type': 'http.response.body'})",
			sent: "Status: 299 \r\nContent-Length: 0\r\n\r\n"},
		"start: headers are an iterable, whose order must be preserved": {
			app:  "    await send({'type': 'http.response.start', 'status': 200, 'headers': iter([[b'b', b'1'], (b'a', b'2'), [b'b', b'\\xe9']])})\n    await send({'type': 'http.response.body'})",
			sent: ok + "b: 1\r\na: 2\r\nb: \xe9\r\nContent-Length: 0\r\n\r\n"},
		"start: you may send a Transfer-Encoding header, but the server must ignore it": {
			app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'Transfer-Encoding', b'chunked'), (b'connection', b'keep-alive')]})" +
				"\n    await send({'type': 'http.response.body', 'body': b'x'})", sent: ok + "Content-Length: 1\r\n\r\nx"},
		"start: needs to be followed by at least one response content message": {app: startASGI,
			problem: "the application returned without an http.response.body"},
		"start: may be replaced with an error response": {app: startASGI + "\n    raise KeyError('late')", problem: "KeyError: 'late'"},
		"start: once": {app: startASGI + startASGI,
			problem: "RuntimeError: expected http.response.body, got http.response.start"},
		"start: status is an int": {app: "    await send({'type': 'http.response.start', 'status': '200'})", problem: "ValueError: '200' is not a status"},
		"start: an interim status": {app: "    await send({'type': 'http.response.start', 'status': 103})",
			problem: "is an interim status, which only a web server may send"},
		"start: a header is bytes": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [('a', 'b')]})",
			problem: "TypeError: the name and the value of a header must be bytes, not str and str"},
		"start: a header with a line end": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'a', b'b\\r\\nc: d')]})",
			problem: "ValueError: the value of a contains a control character"},
		"start: a header with a space in its name": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'a b', b'c')]})",
			problem: "ValueError: 'a b' is not a valid header name"},
		"start: two lengths": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'1'), (b'content-length', b'1')]})",
			problem: "ValueError: Content-Length is repeated"},

		"body: before the start": {app: "    await send({'type': 'http.response.body', 'body': b'x'})",
			problem: "RuntimeError: expected http.response.start, got http.response.body"},
		"body: concatenated onto any previous body values": {app: startASGI + "\n    await send({'type': 'http.response.body', 'body': b'one ', 'more_body': True})" +
			"\n    await send({'type': 'http.response.body', 'body': b'two'})", sent: ok + "content-type: text/plain\r\n\r\none two"},
		"body: optional; if missing defaults to b''": {app: startASGI + "\n    await send({'type': 'http.response.body', 'more_body': True})\n    await send({'type': 'http.response.body'})",
			sent: ok + "content-type: text/plain\r\n\r\n"},
		"body: any further messages on the channel will be ignored": {app: helloASGI + helloASGI + "    await send({'type': 'nonsense'})\n    print('here')",
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", log: "here"},
		"body: bytes": {app: startASGI + "\n    await send({'type': 'http.response.body', 'body': 'text'})",
			problem: "TypeError: the body of http.response.body must be bytes, not str"},
		"body: a memoryview": {app: startASGI + "\n    await send({'type': 'http.response.body', 'body': memoryview(b'xyz')[1:]})",
			sent: ok + "content-type: text/plain\r\nContent-Length: 2\r\n\r\nyz"},
		"body: an exception in the middle": {app: startASGI + "\n    await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})\n    1/0", end: outcome.Cut,
			sent: ok + "content-type: text/plain\r\n\r\nx", problem: "ZeroDivisionError: division by zero"},
		"body: no last one": {app: startASGI + "\n    await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})", end: outcome.Cut,
			sent: ok + "content-type: text/plain\r\n\r\nx", problem: "the application returned before the last http.response.body"},
		"body: shorter than its Content-Length": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'9')]})" +
			"\n    await send({'type': 'http.response.body', 'body': b'x'})", end: outcome.Cut, sent: ok + "content-length: 9\r\n\r\nx",
			problem: "the application ended after 1 of 9 bytes of its Content-Length"},
		"body: longer than its Content-Length": {app: "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'3')]})" +
			"\n    await send({'type': 'http.response.body', 'body': b'abcdef'})", sent: ok + "content-length: 3\r\n\r\nabc",
			log: "the application sends more than its Content-Length of 3: the rest is discarded"},
		"HEAD has the length of the body, and none": {app: helloASGI, variables: "REQUEST_METHOD=HEAD", sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\n"},
		"204 has no body": {app: "    await send({'type': 'http.response.start', 'status': 204})\n    await send({'type': 'http.response.body', 'body': b'x'})",
			sent: "Status: 204 No Content\r\n\r\n"},
		"304 has no body": {app: "    await send({'type': 'http.response.start', 'status': 304, 'headers': [(b'content-length', b'7')]})\n    await send({'type': 'http.response.body'})",
			sent: "Status: 304 Not Modified\r\ncontent-length: 7\r\n\r\n"},
		"trailers are ignored": {app: "    await send({'type': 'http.response.start', 'status': 200, 'trailers': True})" +
			"\n    await send({'type': 'http.response.early_hint', 'links': []})\n    await send({'type': 'http.response.body', 'body': b'x'})" +
			"\n    await send({'type': 'http.response.trailers', 'headers': [(b'a', b'b')]})", sent: ok + "Content-Length: 1\r\n\r\nx"},

		"pathsend: the contents of a file": {app: "    path = os.path.dirname(__file__) + '/file'\n    open(path, 'w').write('x' * 3_000_000 + 'end')" + startASGI + "\n    await send({'type': 'http.response.pathsend', 'path': path})\n    os.unlink(path)",
			sent: ok + "content-type: text/plain\r\nContent-Length: 3000003\r\n\r\n" + strings.Repeat("x", 3_000_000) + "end"},
		"pathsend: HEAD": {app: startASGI + "\n    await send({'type': 'http.response.pathsend', 'path': '/proc/self/comm'})", variables: "REQUEST_METHOD=HEAD",
			sent: ok + "content-type: text/plain\r\nContent-Length: 0\r\n\r\n"},
		"pathsend: no file": {app: startASGI + "\n    await send({'type': 'http.response.pathsend', 'path': '/nonexistent'})", problem: "FileNotFoundError"},

		"an invalid event dictionary: unknown type": {app: "    await send({'type': 'http.nonsense'})", problem: "ValueError: 'http.nonsense' is not a message of an HTTP response"},
		"an invalid event dictionary: missing key":  {app: "    await send({'type': 'http.response.start'})", problem: "KeyError: 'status'"},
		"additional keys should not raise an exception": {app: "    await send({'type': 'http.response.start', 'status': 200, 'x': 1})\n    await send({'type': 'http.response.body', 'y': 2})",
			sent: ok + "Content-Length: 0\r\n\r\n"},
		"an error of send may be caught": {app: "    try:\n        await send({'type': 'http.nonsense'})\n    except ValueError:\n        pass" + helloASGI,
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		"no response": {app: "    pass", problem: "the application returned without a response"},
		"an exception, without frames of the runtime": {app: "    raise KeyError('early')",
			problem: "Traceback (most recent call last):\n  File \"DIR/app.py\", line 4, in app\n    raise KeyError('early')"},
		"an exception after the response": {app: helloASGI + "    1/0", sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", end: outcome.Whole, problem: "ZeroDivisionError"},
		"sys.exit":                        {app: "    sys.exit(3)", problem: "the application called sys.exit(3) during a request"},
		"sys.exit after the response":     {app: helloASGI + "    sys.exit(3)", sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		"sys.exit in a task": {app: "    async def f():\n        sys.exit(3)\n    await asyncio.ensure_future(f())",
			problem: "the application called sys.exit(3) during a request"},
		"sys.exit in a task that nobody waits for": {app: "    async def f():\n        sys.exit(3)\n    asyncio.ensure_future(f())\n    await asyncio.sleep(0.01)" + helloASGI,
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello", log: "*"},
		"the application has closed the connection": {app: `
    os.close(send.__self__.connection.fd)` + helloASGI, problem: "the application has closed the descriptor of the connection"},
		"run_in_executor": {app: "    x = await asyncio.get_running_loop().run_in_executor(None, lambda: 'x')\n    assert x == 'x'" + helloASGI,
			sent: ok + "content-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
	} {
		t.Run(sentence, func(t *testing.T) {
			eachASGI(t, row.app, func(a *asgi) {
				ans := a.ask(variables(strings.Fields(row.variables)...), row.body, nil)
				assert.Equal(a.t, row.sent, ans.sent)
				if row.problem == "" {
					row.end = outcome.Whole
					assert.Nil(a.t, ans.Problem, "%v", ans.Problem)
				} else if assert.NotNil(a.t, ans.Problem) {
					assert.Contains(a.t, strings.ReplaceAll(ans.Problem.Text, a.dir, "DIR"), row.problem)
				}
				assert.Equal(a.t, row.end, ans.End)
				switch row.log {
				case "":
					assert.Empty(a.t, a.logged())
				case "*":
				default:
					assert.Contains(a.t, a.logged(), row.log)
				}
			})
		})
	}
}
