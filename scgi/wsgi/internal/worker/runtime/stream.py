"""A connection on the event loop, during one request.

    stream = Stream(loop, connection)   # the connection of a Job
    data = await stream.read(n)         # b'' at the end
    await stream.write(data)            # all of it, or ClientGone or ClientStuck is raised
    n = await stream.send_file(fd, offset, most)
    stream.gone                         # an asyncio.Event: the web server has closed it, or end was called
    stream.left()                       # returns whether the web server has closed it
    stream.watch()                      # sets gone when the web server closes it; so does read
    stream.unwatch()                    # ends that
    stream.end()                        # ends the request: nothing is watched afterwards

read returns data after the request. A write without progress for the patience of the connection
raises ClientStuck. Concurrent writes of tasks are done one after the other.
"""
import posix
import select

import _socket
from asyncio import Event, Lock

from _socketgi.response import RETURNED, ClientGone, ClientStuck

_MSG_DONTWAIT = 0x40
_SO_DOMAIN = 39
_MOST = 1 << 20  # the maximum bytes of a file in one call
_RDHUP = 0x2000  # of poll and epoll; PyPy's select lacks it


def _left(connection):
    """Return the poll event for a connection that the web server has closed, besides HUP and ERR. A unix socket
    needs none: RDHUP there can be a shutdown for writing."""
    return 0 if connection.socket.getsockopt(_socket.SOL_SOCKET, _SO_DOMAIN) == _socket.AF_UNIX else _RDHUP


class Watch:
    """The watch of a loop for connections that the web server closes, without reading from them: the request may
    be unread, as in the fast lane."""

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
            pass  # the application has closed the descriptor

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
        self.waits = {}     # type: dict  # the futures of waiting tasks, and the method of the loop that ends each wait
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
                forget(self.connection.fd)  # before another connection gets this descriptor
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
        """Send a part of a file by sendfile(2). Return the number of bytes, 0 at the end of the file."""
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
