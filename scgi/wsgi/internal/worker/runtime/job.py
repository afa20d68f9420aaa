"""The socket on which a worker takes jobs and reports on them.

A job is one message: its number, environ as a dict of str, the body as bytes if it is small,
its id in the log as bytes, and whether there will be no other job, by marshal. With it come descriptors: the connection,
and the body's file if it is not. A job that is larger than a message is in a file, the last of
the descriptors, and the message has None for environ. The worker reports in messages of their own, of which the
first letter is the kind:

    H STATUS        the head of the response goes out now; 0: it could not
    E KIND\\nTEXT    the application failed; KIND is import, exception, exit or cut
    D BYTES END     done: how many bytes of body were sent, and whether the response
                    is whole, cut, left by the client, or none (no head was sent)
    L [settled]     there is no job: the application is loaded, and that was all; what is cached of it
                    is all that there is to find out

A worker that takes many jobs says more, and leaves out H: it writes on the board, which is
memory that it shares with the adapter, what it is doing (Board).

    R                   it can take one
    M PATH NUL STATE NUL PATH ...
                        files that modules were loaded from, and what they were then (files.py)
    D BYTES END STATUS CPU GROWTH RSS
                        besides: the status that was sent; for this job, the processor time in
                        microseconds and by how many KiB the process has become larger than it ever
                        was; how many KiB it has in memory after it, if anybody wants to know
"""
import io
import posix

import _socket
from _thread import allocate_lock
from marshal import loads

from _socketgi.response import FORKED, RETURNED, Unsent

_INT = 4  # sizeof(int), what a descriptor takes in a control message
_CONTROL = _socket.CMSG_SPACE(3 * _INT)
_MOST = 262144  # bytes of a message (messageBytes in socket.go)
_MSG_CMSG_CLOEXEC = 0x40000000  # which PyPy's _socket lacks
_MSG_CTRUNC = 8
_EBADF = 9


class Job:
    __slots__ = ('environ', 'body', 'id', 'connection', 'last')

    def __init__(self, environ, body, id, connection, last):
        self.environ = environ
        self.body = body
        self.id = id
        self.connection = connection
        self.last = last


_WAITS = 10  # the adapter bounds each wait by that part of the time to send (SO_SNDTIMEO)


class Connection:
    """The connection to the web server, without what a socket object asks of the kernel. A
    send that makes no progress for ten such waits raises TimeoutError.

    What an application keeps of a request may write at any time, from any thread, when the
    number of the descriptor is another connection's: so the number is given up under a lock.
    """

    __slots__ = ('fd', 'lock', 'over')

    def __init__(self, fd):
        self.fd = fd
        self.lock = allocate_lock()
        self.over = None  # why nothing is sent any more

    def send(self, data):
        with self.lock:
            if self.over:
                raise RuntimeError(self.over)
            try:
                n = posix.write(self.fd, data)
            except BlockingIOError:
                n = 0
            except OSError as e:
                if e.errno != _EBADF:
                    raise
                raise Unsent('the application has closed the descriptor of the connection') from None
            if n < len(data):
                rest = memoryview(data)
                while n < len(rest):
                    n += self._wait(posix.write, rest[n:])

    def send_file(self, file, offset, most):
        return self._wait(posix.sendfile, file, offset, most)

    def _wait(self, call, *args):
        for _ in range(_WAITS):
            try:
                return call(self.fd, *args)
            except BlockingIOError:
                pass
        raise TimeoutError

    def shutdown(self):
        """End the response: the other side sees that at once."""
        if self.over:
            return
        s = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, self.fd)
        try:
            s.shutdown(1)
        except OSError:
            pass  # it is gone
        finally:
            s.detach()

    def close(self):
        if not self.lock.acquire(False):
            self.shutdown()  # a thread that is in the middle of sending is told
            self.lock.acquire()
        self.leave(RETURNED)
        self.lock.release()

    def leave(self, why):
        fd, self.fd, self.over = self.fd, -1, why
        try:
            posix.close(fd)
        except OSError:
            pass  # the application has done it

    def forked(self):
        """In a process that the application has forked."""
        self.lock = allocate_lock()  # a thread that there is no more may have had the other
        self.leave(FORKED)


class Board:
    """What this process is doing, for the adapter to read when it has died: one number of
    64 bits, the count of jobs that it has begun times 65536, and the status of the response
    whose head goes out."""

    def __init__(self, words, slot):
        self.words = words
        self.slot = slot
        self.count = 0

    def begin(self):
        self.count += 65536
        self.words[self.slot] = self.count

    def head(self, status):
        self.words[self.slot] = self.count + status


def _above(fd):
    """The same file, with a number that is not that of a standard one."""
    low = []
    while fd < 3:
        low.append(fd)
        fd = posix.dup(fd)
    for other in low:
        posix.close(other)
    return fd


def open_board(fd):
    """The memory behind a descriptor, which is closed."""
    import mmap
    memory = mmap.mmap(fd, 0)
    posix.close(fd)
    return memoryview(memory).cast('Q')


def room():
    """What is made before a worker is forked, which then writes to little of it."""
    return bytearray(_MOST)


class Meter:
    """What this process takes, from one job to the next. limit is from how many KiB on the
    adapter wants to know what is in memory; 0: it does not."""

    def __init__(self, limit):
        import resource
        self.usage = resource.getrusage
        self.limit = limit
        self.cpu = self.peak = 0
        self.statm = posix.open('/proc/self/statm', posix.O_RDONLY | posix.O_CLOEXEC) if limit else -1  # type: ignore[attr-defined]
        self.page = posix.sysconf('SC_PAGESIZE') >> 10
        self.read()

    def read(self):
        usage = self.usage(0)  # RUSAGE_SELF
        cpu, peak = usage[0] + usage[1], usage[2]
        took, self.cpu = cpu - self.cpu, cpu
        growth, self.peak = peak - self.peak, peak
        resident = 0
        if self.limit and peak > self.limit:
            resident = int(posix.pread(self.statm, 100, 0).split()[1]) * self.page
        return int(took * 1000000), growth, resident


class JobSocket:
    def __init__(self, fd, log=None):
        posix.set_inheritable(fd, False)
        self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)
        self.meter = None
        self.buffers = None
        self.head = self._head
        self.log = posix.dup(2) if log is None else log

    def begin(self):
        """Something is done for the job that was taken."""

    def forked(self):
        """In a process that the application has forked: it says nothing, and takes nothing."""
        self.head = self.begin = lambda *status: None
        self.socket.close()

    def mend(self, received):
        """Put descriptors 0 to 2 back where the application has closed them, and return those that
        were received: the kernel gives them the lowest numbers that are free."""
        received = [_above(fd) for fd in received]
        for fd in 0, 1, 2:
            try:
                posix.fstat(fd)
            except OSError:
                if fd:
                    posix.dup2(self.log, fd)
                else:
                    posix.open('/dev/null', posix.O_RDONLY)
                    posix.set_inheritable(0, True)
        return received

    def take(self):
        """The next job, None when there will be none."""
        try:
            return self._take()
        except OSError:
            try:
                self.socket.shutdown(2)  # another process is asked then, however long the end of this one takes
            except OSError:
                pass  # it is closed
            raise

    def _take(self):
        try:
            if self.buffers is None:
                data, control, flags, _ = self.socket.recvmsg(_MOST, _CONTROL, _MSG_CMSG_CLOEXEC)
                size = len(data)
            else:
                data = self.buffers[0]
                size, control, flags, _ = self.socket.recvmsg_into(self.buffers, _CONTROL, _MSG_CMSG_CLOEXEC)
        except OSError as e:
            raise OSError(e.errno, 'the application has closed the descriptor on which its process takes requests') from None
        if not size:
            return None
        if flags & _MSG_CTRUNC or not control:
            raise OSError(24, 'no descriptor is left for a request: the application has opened too many files')
        _, environ, body, id, last = loads(data)
        fds = memoryview(control[0][2]).cast('i').tolist()
        if fds[0] < 3:
            fds = self.mend(fds)
        if environ is None:
            with open(fds.pop(), 'rb') as file:
                _, environ, body, id, last = loads(file.read())
        connection = fds[0]
        if len(fds) > 1:
            body = open(fds[1], 'rb', 65536)
        else:
            body = io.BytesIO(body)
        if self.buffers is None:
            posix.set_blocking(connection, True)  # whatever it was for who handed it to the adapter
        return Job(environ, body, id, Connection(connection), last)

    def _head(self, status):
        self._report(b'H %d' % status)

    def failed(self, kind, text):
        # The adapter reads 64 KiB; the end of a report says most.
        self._report(b'E %s\n%s' % (kind.encode(), text.encode('utf-8', 'backslashreplace')[-60000:]))

    def done(self, sent, end, status):
        if self.meter is not None:
            self._report(b'D %d %s %d %d %d %d' % ((sent, end, status) + self.meter.read()))
        elif self.buffers:
            self._report(b'D %d %s %d 0 0 0' % (sent, end, status))
        else:
            self._report(b'D %d %s' % (sent, end))

    def go_warm(self, board, slot, limit, buffer):
        """Begin a life of many jobs, with room() for one. limit is that of their Meter, -1 for
        none."""
        if limit >= 0:
            self.meter = Meter(limit)
        self.buffers = [buffer]
        board = Board(board, slot)
        self.begin = board.begin
        self.head = board.head

    def ready(self):
        self._report(b'R')

    def loaded(self, settled):
        self._report(b'L settled' if settled else b'L')

    def modules(self, block):
        self._report(b'M ' + block)

    def _report(self, message):
        try:
            self.socket.send(message)
        except OSError:
            pass  # the adapter is gone, and this process is about to be
