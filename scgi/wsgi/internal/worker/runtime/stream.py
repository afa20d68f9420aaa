"""A connection on the event loop, for as long as one request.

    stream = Stream(loop, connection)   # that of a Job
    data = await stream.read(n)         # b'' at the end
    await stream.write(data)            # all of it; ClientGone or ClientStuck where that can't be
    n = await stream.send_file(fd, offset, most)
    stream.gone                         # an asyncio.Event: the web server has closed it, or end was called
    stream.left()                       # whether the web server has closed it
    stream.watch()                      # have gone be set when it does; reading it does that, too
    stream.unwatch()                    # the contrary
    stream.end()                        # the request is over: nothing is watched any more

Reads are of what follows the request. A write that makes no progress for the patience of the
connection is ClientStuck. Writes of several tasks follow one another.
"""
import posix
import select

import _socket
from asyncio import Event, Lock

from _socketgi.response import RETURNED, ClientGone, ClientStuck

_MSG_DONTWAIT = 0x40
_SO_DOMAIN = 39
_MOST = 1 << 20  # bytes of a file that are sent at once
_RDHUP = 0x2000  # of poll and epoll; PyPy's select lacks it


def _left(connection):
    """The event that tells that the web server has closed its side, beside HUP and ERR, which
    always do. A unix socket has no need of one, and an end of what is sent is not a close there."""
    return 0 if connection.socket.getsockopt(_socket.SOL_SOCKET, _SO_DOMAIN) == _socket.AF_UNIX else _RDHUP


class Watch:
    """Of which connections a loop is told that the web server has closed them, without reading from
    them: a request that the fast lane has taken is still there to be read."""

    def __init__(self, loop):
        self.poll = select.epoll()
        self.streams = {}
        loop.add_reader(self.poll.fileno(), self.told)

    def add(self, stream):
        fd = stream.connection.fd
        if self.streams.get(fd) is stream or stream.connection.over:
            return
        self.poll.register(fd, _left(stream.connection))
        self.streams[fd] = stream

    def remove(self, stream):
        fd = stream.connection.fd
        if self.streams.get(fd) is not stream:
            return
        del self.streams[fd]
        try:
            self.poll.unregister(fd)
        except OSError:
            pass  # the application has closed it

    def told(self):
        for fd, _ in self.poll.poll(0):
            stream = self.streams.get(fd)
            if stream:
                self.remove(stream)
                stream.gone.set()


_watches = {}  # type: dict


class Stream:
    def __init__(self, loop, connection):
        self.loop = loop
        self.connection = connection
        self.gone = Event()
        self.lock = Lock()
        self.waits = {}     # type: dict  # for the loop: futures, and what ends the wait of each
        self.ended = False

    def watch(self):
        watch = _watches.get(self.loop)
        if watch is None:
            watch = _watches[self.loop] = Watch(self.loop)
        watch.add(self)

    def left(self):
        if self.connection.over:
            return False
        poll = select.poll()
        poll.register(self.connection.fd, _left(self.connection))
        return bool(poll.poll(0))

    def unwatch(self):
        watch = _watches.get(self.loop)
        if watch:
            watch.remove(self)

    def end(self):
        self.unwatch()
        self.ended = True
        for ready, forget in self.waits.items():
            if self.connection.fd >= 0:
                forget(self.connection.fd)  # before another connection has this descriptor
            wake(ready)
        self.waits.clear()
        self.gone.set()

    async def read(self, n):
        connection = self.connection
        while True:
            if connection.over:
                return b''
            try:
                data = connection.socket.recv(min(n, connection.unread or n), _MSG_DONTWAIT)
            except BlockingIOError:
                await self._ready(self.loop.add_reader, self.loop.remove_reader, -1)
                continue
            except OSError:
                data = b''
            if connection.unread and data:
                connection.unread -= len(data)  # of the request itself
                continue
            if not data:
                self.gone.set()
            return data

    async def write(self, data):
        async with self.lock:
            try:
                n = self.connection.offer(data)
                if n < len(data):
                    rest = memoryview(data)
                    while n < len(rest):
                        await self._ready(self.loop.add_writer, self.loop.remove_writer, self.connection.patience)
                        n += self.connection.offer(rest[n:])
            except (BrokenPipeError, ConnectionResetError):
                raise ClientGone(ClientGone.why) from None
            except TimeoutError:
                raise ClientStuck(ClientStuck.why) from None

    async def send_file(self, file, offset, most):
        """Have the kernel send a part of a file. Return how many bytes that were, 0 at the end of the file."""
        fd = self.connection.fd
        async with self.lock:
            posix.set_blocking(fd, False)
            while not self.connection.over:
                try:
                    return posix.sendfile(fd, file, offset, min(most, _MOST))
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    raise ClientGone(ClientGone.why) from None
                try:
                    await self._ready(self.loop.add_writer, self.loop.remove_writer, self.connection.patience)
                except TimeoutError:
                    raise ClientStuck(ClientStuck.why) from None
        raise RuntimeError(self.connection.over)

    async def _ready(self, add, remove, patience):
        """Wait until the connection is ready, for at most patience milliseconds; -1: no limit."""
        if self.ended:
            raise RuntimeError(RETURNED)
        fd = self.connection.fd
        ready = self.loop.create_future()
        timer = None
        if patience >= 0:
            timer = self.loop.call_later(patience / 1000, _fail, ready)
        add(fd, wake, ready)
        self.waits[ready] = remove
        try:
            await ready
        finally:
            if self.waits.pop(ready, None) and self.connection.fd == fd:
                remove(fd)
            if timer:
                timer.cancel()


def wake(ready):
    if not ready.done():
        ready.set_result(None)


def _fail(ready):
    if not ready.done():
        ready.set_exception(TimeoutError())
