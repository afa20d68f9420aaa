"""The socket on which a worker receives jobs and reports on them.

A job is one message in the marshal format: its number, environ as a dict of str, a small body as
bytes, its id in the log as bytes, and the milliseconds that the web server may read nothing of the
response (-1: no limit). Descriptors come with it: the connection, and the file of a large body. A job
that is larger than a message is in a file, the last of the descriptors; its message has None for
environ. The reports are messages, too; their first letter is the kind:

    H STATUS        the head of the response is about to be sent; 0: it could not be sent
    E KIND\\nTEXT    the application failed; KIND is import, exception, exit or cut
    D BYTES END     done: the number of bytes of the body that were sent, and whether the response
                    is whole, cut, left by the client, or none (no head was sent)
    L [settled]     the application is loaded, and there is no job; settled: another start would add
                    nothing to the cache
    M PATH NUL STATE NUL PATH ...
                    files that modules were loaded from, and their states before that (files.py)

accept.py describes the other reports of a warm worker.
"""
import io
import posix

import _socket
from _thread import allocate_lock
from marshal import loads

from _socketgi.response import FORKED, RETURNED, Unsent

_INT = 4  # sizeof(int), the size of a descriptor in a control message
_CONTROL = _socket.CMSG_SPACE(3 * _INT)
MOST = 262144  # bytes of a message (messageBytes in socket.go)
_MSG_DONTWAIT = 0x40
_MSG_CMSG_CLOEXEC = 0x40000000  # which PyPy's _socket lacks
_MSG_CTRUNC = 8
_SEND = _MSG_DONTWAIT | 0x4000  # MSG_NOSIGNAL
_EBADF, _ENOTSOCK = 9, 88
_sockets = {}  # type: dict  # by descriptor, for all connections that have it in turn: making one takes a system call
CLOSED = 'the application has closed the descriptor from which its process receives requests'
LOST = 'the application has closed the descriptor of the connection'
FULL = 'no descriptor is free for a request: the application has opened too many files'


class Job:
    __slots__ = ('number', 'environ', 'body', 'id', 'connection', 'response')  # the last one of ASGI

    def __init__(self, number, environ, body, id, connection):
        self.number = number
        self.environ = environ
        self.body = body
        self.id = id
        self.connection = connection


def own(kind, fd):
    """Return a socket of the runtime. A default timeout that the application has set is not for it."""
    s = _socket.socket(_socket.AF_UNIX, kind, 0, fd)
    if _socket.getdefaulttimeout() is not None:
        s.settimeout(None)
    return s


class Connection:
    """The connection to the web server. A send that makes no progress for patience milliseconds
    raises TimeoutError; -1: never.

    An application can keep write() and call it later, from any thread, when the descriptor may
    be another connection's. A lock protects the descriptor from being closed during a send.
    """

    __slots__ = ('fd', 'socket', 'patience', 'lock', 'over', 'unread')

    def __init__(self, fd, patience):
        self.fd = fd
        s = _sockets.get(fd)
        if s is None:
            s = _sockets[fd] = own(_socket.SOCK_STREAM, fd)
        self.socket = s
        self.patience = patience
        self.lock = allocate_lock()
        self.over = None  # the reason why nothing can be sent any more
        self.unread = 0  # how many bytes of the request were only looked at

    def offer(self, data):
        """Send what the connection takes now, and return how many bytes that were."""
        with self.lock:
            return self._offer(data)

    def _offer(self, data):
        if self.over:
            raise RuntimeError(self.over)
        try:
            return self.socket.send(data, _SEND)
        except BlockingIOError:
            return 0
        except OSError as e:
            if e.errno != _EBADF and e.errno != _ENOTSOCK:
                raise
            raise Unsent(LOST) from None

    def send(self, data):
        with self.lock:
            n = self._offer(data)
            if n < len(data):
                rest = memoryview(data)
                while n < len(rest):
                    n += self._wait(self.socket.send, rest[n:], _SEND)

    def send_file(self, file, offset, most):
        posix.set_blocking(self.fd, False)
        return self._wait(posix.sendfile, self.fd, file, offset, most)

    def _wait(self, call, *args):
        """Call call until the connection takes something."""
        while True:
            try:
                return call(*args)
            except BlockingIOError:
                import select
                poll = select.poll()
                poll.register(self.fd, select.POLLOUT)
                if not poll.poll(self.patience):
                    raise TimeoutError from None

    def shutdown(self):
        """End the response, which the other side notices at once."""
        if self.over:
            return
        try:
            self.socket.shutdown(1)
        except OSError:
            pass  # it is closed

    def finish(self):
        """Read the rest of the request, and close the connection: closing it with unread bytes
        would reset it."""
        try:
            self.socket.recv(65536, _MSG_DONTWAIT)
        except OSError:
            pass  # there is no rest, or the connection is closed
        self.close()

    def close(self):
        if not self.lock.acquire(False):
            self.shutdown()  # ends the send of another thread
            self.lock.acquire()
        self.leave(RETURNED)
        self.lock.release()

    def leave(self, why):
        fd, self.fd, self.over = self.fd, -1, why
        try:
            posix.close(fd)
        except OSError:
            pass  # the application has closed it

    def lose(self):
        """The application has closed the descriptor, which is another connection's now."""
        self.fd, self.over = -1, LOST

    def forked(self):
        """In a process that the application has forked."""
        self.lock = allocate_lock()  # the old one may belong to a thread of the parent
        self.leave(FORKED)


def _above(fd):
    """Return fd, or a duplicate above the standard descriptors."""
    low = []
    while fd < 3:
        low.append(fd)
        fd = posix.dup(fd)
    for other in low:
        posix.close(other)
    return fd


def mend(log, received=()):
    """Open descriptors 0 to 2 again if the application has closed them, the last two as
    duplicates of log, and return the received ones, which may have got their numbers."""
    received = [_above(fd) for fd in received]
    for fd in 0, 1, 2:
        try:
            posix.fstat(fd)
        except OSError:
            if fd:
                posix.dup2(log, fd)
            else:
                posix.open('/dev/null', posix.O_RDONLY)
                posix.set_inheritable(0, True)
    return received


def receive(socket, buffer, log, flags=0):
    """Return the next job, None at the end of file. Without a buffer there is only one job."""
    try:
        if buffer is None:
            data, control, flags, _ = socket.recvmsg(MOST, _CONTROL, _MSG_CMSG_CLOEXEC)
            size = len(data)
        else:
            data = buffer
            size, control, flags, _ = socket.recvmsg_into([buffer], _CONTROL, _MSG_CMSG_CLOEXEC | flags)
    except BlockingIOError:
        raise
    except OSError as e:
        raise OSError(e.errno, CLOSED) from None
    if not size:
        return None
    if flags & _MSG_CTRUNC or not control:
        raise OSError(24, FULL)
    number, environ, body, id, patience = loads(data)
    fds = memoryview(control[0][2]).cast('i').tolist()
    if min(fds) < 3:
        fds = mend(log, fds)
    if environ is None:
        with open(fds.pop(), 'rb') as file:
            number, environ, body, id, patience = loads(file.read())
    body = open(fds[1], 'rb', 65536) if len(fds) > 1 else io.BytesIO(body)
    return Job(number, environ, body, id, Connection(fds[0], patience))


class JobSocket:
    """The job socket of a process: for its one job, or for the messages of a warm worker or a
    parent."""

    def __init__(self, fd, log=None):
        posix.set_inheritable(fd, False)
        self.socket = own(_socket.SOCK_SEQPACKET, fd)
        self.log = posix.dup(2) if log is None else log

    def forked(self):
        """In a process that the application has forked: it reports and receives nothing."""
        self.head = lambda status: None
        self.socket.close()
        while _sockets:
            _sockets.popitem()[1].detach()  # a collected socket closes a descriptor that has another use by then

    def take(self):
        return receive(self.socket, None, self.log)

    def head(self, status):
        self.report(b'H %d' % status)

    def failed(self, kind, text):
        self.report(failure(kind, text))

    def done(self, sent, end):
        self.report(b'D %d %s' % (sent, end))

    def loaded(self, settled, interface):
        self.report(b'L %s %s' % (b'settled' if settled else b'unsettled', interface))

    def modules(self, block):
        self.report(b'M ' + block)

    def report(self, message):
        """Send a message to the adapter, and return whether that succeeded."""
        try:
            self.socket.send(message)
        except OSError:
            return False  # the adapter has ended, and its end kills this process
        return True


def failure(kind, text):
    """A report of a failure. The adapter reads 64 KiB, and the end of a traceback is the most useful."""
    return b'E %s\n%s' % (kind.encode(), text.encode('utf-8', 'backslashreplace')[-60000:])
