"""One WebSocket of an ASGI application, by the specification of HTTP and WebSocket, 2.5
(https://asgi.readthedocs.io/en/latest/specs/www.html). Sentences in quotes are from it; websocket.py
has the protocol."""
import asyncio
import posix
from collections import deque

from _socketgi import asgihttp, ending, response as wsgi, websocket
from _socketgi.response import ClientGone, ClientStuck
from _socketgi.stream import Stream

_PING = 20    # seconds between two pings, and for data of the client after a ping
_CLOSING = 3  # seconds for the client's close frame
_AHEAD = 32, 65536  # the maximum of messages that wait for the application, and of their bytes
_DENIAL = 'websocket.http.response.'


async def serve(server, job, announce):
    """Serve a WebSocket handshake. announce is called with 101 when the application accepts it, and again when
    it is closed: the timeout applies again. Return the result as asgihttp.serve does."""
    pid = posix.getpid()
    socket = job.response = Socket(server, job, announce)
    refused = websocket.refusal(job.environ)
    if refused:
        try:
            await socket.refuse(*refused)
        except OSError:
            pass  # the client is gone
        return socket, socket.finish(None)
    raised = None
    try:
        await server.app(socket.scope(server.lifespan.state), socket.receive, socket.send)
    except BaseException as e:
        raised = e
    if posix.getpid() != pid:
        ending.leave_fork(raised)
    problem = await socket.over(raised)
    socket.end_tasks()
    return socket, problem


class Socket(asgihttp.Response):
    """receive and send for the application; the response to the handshake is a Response, too."""

    def __init__(self, server, job, announce):
        super().__init__(Stream(server.loop, job.connection), job, announce)
        self.server = server
        self.environ = job.environ
        self.frames = websocket.Frames(server.most)
        self.messages = deque()     # type: deque
        self.pending = 0            # bytes in them
        self.news = asyncio.Event()  # for receive
        self.room = asyncio.Event()  # for messages
        self.room.set()
        self.connected = False      # "websocket.connect" has been received
        self.accepted = False
        self.closing = False        # a close frame has been sent
        self.finished = False       # "websocket.close" has been sent
        self.closed = ()            # type: tuple  # the code and the reason for websocket.disconnect
        self.heard = False          # since the last ping
        self.tasks = []             # type: list

    def scope(self, state):
        found = asgihttp.scope(self.environ, state)
        del found['method']
        found.update(type='websocket', asgi={'version': '3.0', 'spec_version': '2.5'}, scheme='wss' if found['scheme'] == 'https' else 'ws',
                     subprotocols=websocket.subprotocols(self.environ), extensions={'websocket.http.response': {}})
        return found

    # For the application.

    async def receive(self):
        if not self.connected:
            self.connected = True
            return {'type': 'websocket.connect'}
        if not self.accepted and not self.tasks:
            self.stream.watch()
            self._run(self._watch())
        while not self.messages and not self.closed:
            self.news.clear()
            await self.news.wait()
        if not self.messages:
            return {'type': 'websocket.disconnect', 'code': self.closed[0], 'reason': self.closed[1]}
        kind, data = self.messages.popleft()
        self.pending -= len(data)
        self.room.set()
        return {'type': 'websocket.receive', 'text' if kind == websocket.TEXT else 'bytes': data}

    async def send(self, message):
        kind = message['type']
        if self.connection.over:
            raise RuntimeError(self.connection.over)
        if self.status and not self.accepted:
            if not kind.startswith(_DENIAL):
                raise RuntimeError('unexpected %s: the response has been started' % kind)
            await super().send(dict(message, type=kind[len('websocket.'):]))
        elif self.finished:
            raise RuntimeError('unexpected %s: the application has sent websocket.close' % kind)
        elif self.closed:
            raise ClientGone('the WebSocket is closed')
        elif self.accepted:
            await self._send_message(kind, message)
        elif kind == 'websocket.accept':
            await self._accept(message)
        elif kind == 'websocket.close':
            await self.refuse('403 Forbidden', [], '')
        elif kind == _DENIAL + 'start':
            await super().send(dict(message, type='http.response.start'))
        else:
            raise RuntimeError('expected websocket.accept, websocket.close or websocket.http.response.start, got %s' % kind)

    async def _accept(self, message):
        subprotocol = message.get('subprotocol')
        if subprotocol is not None and subprotocol not in websocket.subprotocols(self.environ):
            raise ValueError('%r is no subprotocol that the client offers' % (subprotocol,))
        sent = [asgihttp.header(name, value) for name, value in message.get('headers') or ()]
        for name, _ in sent:
            if name.lower().startswith('sec-websocket-'):
                raise ValueError('%s is a header of the server: a subprotocol has a key of its own' % name)
        headers, _ = wsgi.check_headers([h for h in sent if h[0].lower() not in asgihttp.IGNORED and h[0].lower() != 'content-length'])
        self.headers = websocket.acceptance(self.environ, subprotocol) + headers
        self.status, self.code = '101 Switching Protocols', 101
        try:
            await self._write(b'')
        except OSError:
            self.status = None
            raise
        for task in self.tasks:
            task.cancel()
        self.stream.unwatch()
        self.accepted = True
        self.tasks = []
        self._run(self._read())
        self._run(self._ping())
        self._run(self._leave())
        self.server.opened()

    async def _send_message(self, kind, message):
        if kind == 'websocket.close':
            await self._close(message.get('code', websocket.NORMAL), message.get('reason') or '')
            self.finished = True
            self._forget()
            return
        if kind != 'websocket.send':
            raise RuntimeError('expected websocket.send or websocket.close, got %s' % kind)
        text, data = message.get('text'), message.get('bytes')
        if (text is None) == (data is None):
            raise ValueError('websocket.send has either text or bytes')
        if not isinstance(text, (str, type(None))) or not isinstance(data, (bytes, bytearray, memoryview, type(None))):
            raise TypeError('text is str, and bytes are bytes, not %s' % type(data if text is None else text).__name__)
        if data is not None:
            await self._frame(websocket.BINARY, bytes(data))
        elif text is not None:
            await self._frame(websocket.TEXT, text.encode())

    async def _frame(self, opcode, payload):
        await self._write(websocket.frame(opcode, len(payload)) + payload)

    async def _close(self, code, reason=''):
        """Send a close frame, unless one has been sent."""
        data = websocket.closing(code, reason)
        if self.closing or self.closed:
            return
        self.closing = True
        await self._write(data)

    def _forget(self):
        """Discard the messages that have arrived."""
        self.messages.clear()
        self.room.set()

    # Tasks of the server.

    def _run(self, coroutine):
        self.tasks.append(self.stream.loop.create_task(coroutine))

    async def _watch(self):
        await self.stream.gone.wait()
        self._tell(websocket.ABNORMAL, '')

    def _tell(self, code, reason):
        """Make receive return websocket.disconnect."""
        if not self.closed:
            self.closed = code, reason
            self.news.set()
            if self.accepted:
                self.announce(101)

    async def _read(self):
        """Read the frames of the client until the connection is closed."""
        code, reason = websocket.ABNORMAL, ''
        self.connection.unread = self.connection.unread or _unread(self.connection.socket)
        try:
            code, reason = await self._frames()
        except websocket.Violation as e:
            reason = e.reason
            try:
                await self._close(e.code, e.reason)
            except OSError:
                pass
        except OSError:
            pass  # the client has closed the connection
        if not self.closing:
            self.gone = self.gone or ClientGone
        self._tell(code, reason)
        self.connection.shutdown()
        while await self.stream.read(65536):
            pass  # closing a connection with unread data resets it

    async def _frames(self):
        """Process frames, and return the code and the reason of the close."""
        while True:
            data = await self.stream.read(65536)
            if not data:
                return websocket.ABNORMAL, ''
            self.heard = True
            for opcode, payload in self.frames.feed(data):
                if opcode == websocket.CLOSE:
                    if not self.closing:
                        self.closing = True
                        await self._write(websocket.closing(payload[0]))
                    return payload
                if opcode == websocket.PING and not self.closing:
                    await self._frame(websocket.PONG, payload)
                elif opcode < websocket.CLOSE and not self.closing:
                    await self._arrived(opcode, payload)

    async def _arrived(self, opcode, payload):
        self.messages.append((opcode, payload))
        self.pending += len(payload)
        self.news.set()
        if len(self.messages) >= _AHEAD[0] or self.pending > _AHEAD[1]:
            self.room.clear()
            await self.room.wait()

    async def _ping(self):
        """"send PING messages as necessary to ensure the connection is alive"; while messages
        wait for the application, data of the client is not read, so its absence has no meaning."""
        pinged = False
        try:
            while not self.closing and not self.closed:
                await asyncio.sleep(_PING)
                if pinged and not self.heard and self.room.is_set():
                    self._tell(websocket.ABNORMAL, 'no answer to a ping for %g seconds' % _PING)
                    self.closing, self.gone = True, ClientGone
                    await self.stream.write(websocket.closing(websocket.INTERNAL_ERROR, 'no answer to a ping'))
                    self.connection.shutdown()
                    return
                self.heard, pinged = False, True
                await self._frame(websocket.PING, posix.urandom(4))
        except OSError:
            pass  # _read detects it, too, or it is kept for the application

    async def _leave(self):
        """Close the WebSocket before the process ends (1012, service restart)."""
        await self.server.leaving.wait()
        try:
            await self._close(websocket.RESTART)
        except OSError:
            pass  # the client is gone
        self._tell(websocket.RESTART, '')

    # For the server.

    async def refuse(self, status, headers, text):
        """Answer the handshake with a response."""
        headers = [(name.encode(), value.encode()) for name, value in headers]
        if text:
            headers.append((b'content-type', b'text/plain'))
        await super().send({'type': 'http.response.start', 'status': int(status[:3]), 'headers': headers})
        await super().send({'type': 'http.response.body', 'body': text.encode() + b'\n' if text else b''})

    async def over(self, raised):
        """End the WebSocket after the application has returned, or raised an exception. Return the kind and the text
        of a problem, or None."""
        if self.accepted:
            problem = self.failure(raised)
            self._forget()
            try:
                await self._close(websocket.INTERNAL_ERROR if problem else websocket.NORMAL)
                await asyncio.wait(self.tasks[:1], timeout=_CLOSING)
            except (OSError, RuntimeError, asyncio.CancelledError):
                pass  # the client is gone, or takes longer than the timeout allows
            if not self.gone:
                self.complete = True  # with the client's close frame, or without it
            elif self.gone is ClientStuck:
                problem = problem or ('cut', ClientStuck.why)
            self.connection.shutdown()
        elif not self.status and raised is None and not self.gone and not self.stream.left():
            problem = 'exception', 'the application returned without websocket.accept or websocket.close'
        else:
            problem = self.finish(raised)
        return problem

    def end_tasks(self):
        for task in self.tasks:
            task.cancel()
        self.stream.end()


def _unread(socket):
    """Return how many bytes of the request the adapter has left unread: all of it, or the final comma of the netstring."""
    try:
        length, colon, _ = socket.recv(16, 0x42).partition(b':')  # MSG_PEEK, MSG_DONTWAIT
    except OSError:
        return 0  # the connection is gone
    return len(length) + int(length) + 2 if colon and length.isdigit() else 1
