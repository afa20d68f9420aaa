"""One HTTP request of an ASGI application, by the specification of HTTP and WebSocket, 2.5
(https://asgi.readthedocs.io/en/latest/specs/www.html). Sentences in quotes are from it."""
import asyncio
import posix
import sys

from _socketgi import ending, response as wsgi
from _socketgi.response import RETURNED, ClientGone, ClientStuck, ShortBody, Unsent
from _socketgi.stream import Stream

ASGI = {'version': '3.0', 'spec_version': '2.5'}
# With 2.4 or later, Starlette detects a closed connection during a stream only in its next send, and continues
# until then. send raises an error with any version.
_HTTP = {'version': '3.0', 'spec_version': '2.3'}
_PIECE = 65536  # bytes of a body in one message
_SOON = 0.05  # seconds to wait for the first piece of a body before the head is sent alone
_HTTP_VERSIONS = {'HTTP/1.0': '1.0', 'HTTP/2.0': '2', 'HTTP/3.0': '3'}
_BODILESS = frozenset(('GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'))  # RFC 9110 9.3: a body has no defined meaning
# RFC 9110 7.6.1. "You may send a Transfer-Encoding header in this message, but the server must ignore
# it". The others belong to the connection of the web server, too.
IGNORED = frozenset(('connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'trailers', 'transfer-encoding', 'upgrade'))
_UNOFFERED = frozenset(('http.response.trailers', 'http.response.early_hint', 'http.response.push', 'http.response.debug'))
_TORN = 'the application has cancelled a send: the response is cut off'
_phrases = {200: '200 OK'}  # status lines by their codes


async def serve(app, job, state, announce):
    """Serve one request with app. state is that of the lifespan; announce is called with the status
    before the head is sent. Return the Response, and the kind and the text of the application's
    failure, or None."""
    return await answer(app, Stream(asyncio.get_running_loop(), job.connection), job, state, announce)


async def answer(app, stream, job, state, announce):
    pid = posix.getpid()
    response = job.response = Response(stream, job, announce)
    raised = None
    try:
        await app(scope(job.environ, state), response.receive, response.send)
    except BaseException as e:
        raised = e
    if posix.getpid() != pid:
        ending.leave_fork(raised)
    problem = response.finish(raised)
    stream.end()
    return response, problem


def scope(environ, state):
    """Return the scope of a request with these variables."""
    get = environ.get
    root = _text(environ['SCRIPT_NAME'])
    path = _text(environ['PATH_INFO'])
    uri = get('REQUEST_URI')
    found = {
        'type': 'http',
        'asgi': dict(_HTTP),
        'http_version': _HTTP_VERSIONS.get(environ['SERVER_PROTOCOL'], '1.1'),
        'method': environ['REQUEST_METHOD'].upper(),
        'scheme': scheme(environ),
        'path': path if _routes_without_root() else root + path,
        'query_string': environ['QUERY_STRING'].encode('latin-1'),
        'root_path': root,
        'headers': headers(environ),
        'client': _address(get('REMOTE_ADDR'), get('REMOTE_PORT')),
        'server': _address(environ['SERVER_NAME'], environ['SERVER_PORT']),
        'state': state.copy(),
        'extensions': {'http.response.pathsend': {}},
    }
    if uri:
        if uri[0] != '/' and '://' in uri:  # RFC 9112 3.2.2
            uri = '/' + uri.partition('://')[2].partition('/')[2]
        found['raw_path'] = uri.partition('?')[0].encode('latin-1')
    return found


def scheme(environ):
    https = environ.get('HTTPS', '').lower() in ('on', '1') or environ.get('REQUEST_SCHEME') == 'https'
    return 'https' if https else 'http'


def headers(environ):
    """The request's headers as sent by the web server."""
    found = [(name[5:].replace('_', '-').lower().encode('latin-1'), value.encode('latin-1'))
             for name, value in environ.items() if name[:5] == 'HTTP_' and (value or name != 'HTTP_HOST')]
    kind, length = environ.get('CONTENT_TYPE'), environ.get('CONTENT_LENGTH')
    if kind:
        found.append((b'content-type', kind.encode('latin-1')))
    if length and (length != '0' or environ['REQUEST_METHOD'] not in _BODILESS):  # SCGI always has one
        found.append((b'content-length', length.encode('latin-1')))
    return found


def _text(path):
    return path if path.isascii() else path.encode('latin-1').decode('utf-8', 'replace')


def _address(host, port):
    if not host:
        return None
    return host, int(port) if port and port.isascii() and port.isdigit() else 0


def _routes_without_root():
    """Return whether path must not include root_path, as for Starlette before 0.35."""
    routing = sys.modules.get('starlette.routing')
    return routing is not None and not hasattr(routing, 'get_route_path')


def _status(code):
    if not isinstance(code, int) or not 100 <= code <= 999:
        raise ValueError('%r is not a status of three digits' % (code,))
    code = int(code)  # it may be an HTTPStatus
    line = _phrases.get(code)
    if line is None:
        from http import HTTPStatus
        try:
            phrase = HTTPStatus(code).phrase
        except ValueError:
            phrase = ''
        line = _phrases[code] = '%d %s' % (code, phrase)
    return line


def header(name, value):
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise TypeError('the name and the value of a header must be bytes, not %s and %s' % (type(name).__name__, type(value).__name__))
    return bytes(name).decode('latin-1'), bytes(value).decode('latin-1')


def _body(data):
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError('the body of http.response.body must be bytes, not %s' % type(data).__name__)


class Response(wsgi.Response):
    """receive and send for the application, finish for the server."""

    def __init__(self, stream, job, announce):
        super().__init__(job.connection, job.environ['REQUEST_METHOD'], announce, True)
        self.stream = stream
        self.body = job.body
        self.ahead = None    # the next piece of the body; b'': the previous one was the last
        self.asked = False   # all of the body has been received
        self.torn = False    # an unknown part of a piece was sent
        self.timer = None    # type: asyncio.TimerHandle  # sends the head without a body

    # For the application.

    async def receive(self):
        if not self.asked and not self.stream.gone.is_set():
            piece = self.body.read(_PIECE) if self.ahead is None else self.ahead
            self.ahead = self.body.read(_PIECE) if len(piece) == _PIECE else b''
            self.asked = not self.ahead
            return {'type': 'http.request', 'body': piece, 'more_body': not self.asked}
        if not self.complete:
            self.stream.watch()
            await self.stream.gone.wait()
        return {'type': 'http.disconnect'}

    async def send(self, message):
        kind = message['type']
        if self.complete or self.connection.over is RETURNED:
            return  # "any further messages on the channel will be ignored"
        if self.connection.over:
            raise RuntimeError(self.connection.over)
        if self.stream.gone.is_set():
            self._lost(ClientGone)
        if kind == 'http.response.body':
            await self._piece(message)
        elif kind == 'http.response.start':
            self._start(message)
        elif kind == 'http.response.pathsend':
            await self._path(message)
        elif kind not in _UNOFFERED:
            raise ValueError('%r is not a message of an HTTP response' % (kind,))

    def _start(self, message):
        if self.status:
            raise RuntimeError('expected http.response.body, got http.response.start: the response has been started')
        status = _status(message['status'])
        sent = [header(name, value) for name, value in message.get('headers') or ()]
        code = wsgi.check_status(status)
        self.headers, self.length = wsgi.check_headers([h for h in sent if h[0].lower() not in IGNORED])
        self.status, self.code = status, code
        self.timer = self.stream.loop.call_later(_SOON, self._flush)

    def _flush(self):
        self.flushing = self.stream.loop.create_task(self._quietly())

    async def _quietly(self):
        if self.head_sent or self.complete or self.connection.over:  # maybe since the task was created
            return
        try:
            await self._write(b'')
        except (OSError, RuntimeError):
            pass  # the next send raises the error

    async def _piece(self, message):
        if self.status is None:
            raise RuntimeError('expected http.response.start, got http.response.body')
        data, more = _body(message.get('body', b'')), message.get('more_body', False)
        if not self.head_sent:
            self.timer.cancel()
            if not more and (data or not self.bodiless):
                self._know_length(len(data))
        await self._write(data)
        if not more:
            self._end()

    async def _path(self, message):
        """The body is a file (https://asgi.readthedocs.io/en/latest/extensions.html, Path Send)."""
        if self.status is None:
            raise RuntimeError('expected http.response.start, got http.response.pathsend')
        with open(message['path'], 'rb', 0) as file:
            end = posix.fstat(file.fileno()).st_size
            if not self.head_sent:
                self.timer.cancel()
                self._know_length(end)
            await self._write(b'')
            if self.bodiless:
                end = 0
            elif self.length is not None:
                end = min(end, self.length - self.sent)
            await self._send_all_of(file.fileno(), end)
        self._end()

    async def _send_all_of(self, file, end):
        offset = 0
        try:
            while offset < end:
                n = await self.stream.send_file(file, offset, end - offset)
                if n == 0:
                    break  # the file has become shorter
                offset += n
                self.sent += n
                await asyncio.sleep(0)  # other tasks run
        except ClientGone as e:
            self._lost(type(e))

    def _end(self):
        if self.length is not None and self.sent < self.length and not self.bodiless:
            raise ShortBody('%d of %d bytes' % (self.sent, self.length))
        self.complete = True
        self.connection.shutdown()  # the client doesn't wait for the end of the application
        self.stream.end()

    async def _write(self, data):
        if self.torn:
            raise ClientGone(_TORN)
        head, data = self._take(data)
        try:
            if head and len(data) > _PIECE:
                await self.stream.write(head)
                head = b''
            if head or data:
                await self.stream.write(head + data if head else data)
        except Unsent:
            self._untake(head, data)
            raise
        except ClientGone as e:
            self._lost(type(e))
        except asyncio.CancelledError:
            self.torn = True
            raise

    # For the server.

    def failure(self, raised):
        """Return the kind and the text of an exception of the application, None if the client caused it."""
        if raised is None or _follows(raised, (ClientGone, ShortBody)):
            return None
        if isinstance(raised, SystemExit):
            return 'exit', 'the application called sys.exit(%r) during a request' % (raised.code,)
        from _socketgi.worker import report
        return 'exception', report(raised)

    def finish(self, raised):
        """End the request after the application has returned, or raised an exception. Return the kind and the text of
        a problem, or None."""
        if self.timer:
            self.timer.cancel()
        if self.complete and isinstance(raised, SystemExit):
            return None
        problem = self.failure(raised)
        if problem:
            return problem
        if not self.complete and not self.gone and self.stream.left():
            self.gone = ClientGone
        if self.gone is ClientStuck:
            return 'cut', ClientStuck.why
        if self.complete or self.gone:
            return None
        if self.torn:
            return 'cut', _TORN
        if self.length is not None and self.head_sent:
            return 'cut', 'the application ended after %d of %d bytes of its Content-Length' % (self.sent, self.length)
        if self.head_sent:
            return 'cut', 'the application returned before the last http.response.body'
        return 'exception', 'the application returned without %s' % (
            'a response' if self.status is None else 'an http.response.body')


def _follows(e, kinds):
    """Return whether an exception is, or follows, one of the kinds: applications wrap exceptions."""
    seen = set()
    todo = [e]
    while todo:
        e = todo.pop()
        if isinstance(e, kinds):
            return True
        if e is not None and id(e) not in seen:
            seen.add(id(e))
            todo += (e.__cause__, e.__context__, *getattr(e, 'exceptions', ()))
    return False
