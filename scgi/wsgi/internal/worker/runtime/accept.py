"""The requests of a warm worker: those that it accepts, and jobs.

The worker serves an ordinary request (fastlane.py) itself. It passes any other connection, unread, to
the adapter, which reads and queues the request, and sends it to the first free worker as a job
(job.py). Both use the door, a socket that all workers share:

    S               a connection, for the adapter to read
    F BYTES END STATUS TOOK CPU GROWTH\\nMETHOD NUL PATH NUL ID NUL TEXT
                    a connection with an incomplete response: bytes sent, nanoseconds,
                    microseconds, KiB, and the application's failure

On its control socket, a worker sends the reports of job.py and:

    R               it is loaded
    D NUMBER BYTES END STATUS TOOK CPU GROWTH
                    the job with that number is done
    F ...           as through the door, but the application has closed the connection
    A               there are many records on the board, or it has begun a request after Warm.Sleep
    B               it accepts no more connections, and is about to end

The adapter sends G: begin; and Q: accept no more connections, but receive jobs. At the end of file the
worker ends.
"""
import io
import posix
import sys

import _socket

from _socketgi import board as _board, fastlane
from _socketgi.job import CLOSED, FULL, MOST as JOB_MOST, Connection, Job, failure, mend, own, receive

_EPOLLIN, _EPOLLEXCLUSIVE = 1, 1 << 28  # PyPy's select lacks the latter
_PEEK = 0x02 | 0x40  # MSG_PEEK, MSG_DONTWAIT
_SOL_SOCKET, _SO_PEERCRED = _socket.SOL_SOCKET, getattr(_socket, 'SO_PEERCRED', 17)  # PyPy lacks the latter
_AHEAD = 65536  # the maximum size of an ordinary request, in bytes
TOO_MANY = frozenset((12, 23, 24, 105))  # ENOMEM, ENFILE, EMFILE, ENOBUFS
_EBADF, _ETOOMANYREFS = 9, 109


class Meter:
    """Measures the resources that a request takes. limit is the size in KiB for large(); 0: none."""

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
        return int(took * 1000000), growth

    def large(self):
        """Whether the resident size exceeds the limit."""
        return self.limit and self.peak > self.limit and int(posix.pread(self.statm, 100, 0).split()[1]) * self.page > self.limit


class Shared:
    """The resources that the workers of an application share: the listeners and the door. base is part
    of each environ."""

    def __init__(self, settings, base=()):
        posix.set_inheritable(6, False)
        self.door = own(_socket.SOCK_SEQPACKET, 6)
        self.listeners = []
        for fd in range(8, 8 + int(settings['listeners'])):
            posix.set_inheritable(fd, False)
            listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
            listener.setblocking(False)  # as before: PyPy makes it blocking
            self.listeners.append(listener)
        peers = settings['peers']
        self.peers = None if peers == 'all' else frozenset(int(uid).to_bytes(4, sys.byteorder) for uid in peers.split(','))
        self.decode = fastlane.Decoder(settings['mount'], int(settings['header-bytes']), int(settings['headers']),
                              int(settings['body-bytes']), frozenset(filter(None, [settings['declined']])), base).decode
        self.patience = int(settings['patience'])
        self.limit = int(settings['limit'])
        self.concurrency = int(settings['concurrency'])
        self.timeout = int(settings['timeout']) / 1000
        self.timeout_text = settings['timeout-text']
        self.recording = settings['record'] == 'yes'
        self.requests = int(settings['requests'])
        self.room = bytearray(JOB_MOST)  # allocated before the fork: workers copy only the pages that they write

    def fds(self):
        return [s.fileno() for s in [self.door] + self.listeners]

    def close(self):
        for s in [self.door] + self.listeners:
            try:
                s.close()
            except OSError:
                pass  # the application has closed it


class Requests:
    """The requests of one worker. control is its control socket (JobSocket)."""

    about_to = 20  # milliseconds until a request arrives that is about to

    def __init__(self, shared, control, board):
        import select
        self.shared = shared
        self.control = control
        self.board = board
        self.head = self.board.head
        self.meter = Meter(shared.limit) if shared.recording or shared.limit else None
        self.poll = select.epoll()
        self.poll.register(control.socket.fileno(), _EPOLLIN)
        self.door = shared.door.fileno()
        self.listeners = {listener.fileno(): listener for listener in shared.listeners}
        self.order = [control.socket.fileno(), self.door, *self.listeners]
        self.prefix = posix.urandom(8).hex()
        self.accepts = self.ending = False  # type: bool

    def forked(self):
        """In a process that the application has forked: it reports and receives nothing."""
        self.head = lambda status: None
        self.control.forked()
        self.shared.close()
        try:
            self.poll.close()
        except OSError:
            pass

    def take(self):
        """Return the next request, None if the worker is to end."""
        board, words = self.board, self.board.words
        try:
            while True:
                words[0] = board.count | _board.WAITS
                events = self.poll.poll()
                words[0] = board.count | _board.TAKES
                if len(events) == 1 and events[0][0] == self.order[2]:
                    fds = self.order[2:3]
                else:
                    fds = self.sort([fd for fd, _ in events])
                for fd in fds:
                    listener = self.listeners.get(fd)
                    job = self.accept(listener) if listener else self.given() if fd == self.door else self.hear()
                    if job:
                        return job
                    if self.ending:
                        self.control.report(b'B')
                        board.waits()
                        return None
        except (OSError, ValueError) as e:
            raise self.broken(e) from None

    def broken(self, e):
        """Stop receiving requests, and return the error to raise for a failure of our descriptors."""
        try:
            self.control.socket.shutdown(2)  # so that the adapter replaces this worker at once
        except OSError:
            pass  # it is closed
        if isinstance(e, OSError) and e.errno in TOO_MANY:
            return OSError(e.errno, FULL)
        return OSError(getattr(e, 'errno', None) or 9, CLOSED)

    def sort(self, fds):
        """The order in which to serve descriptors: the control socket, the door, and the listeners in
        rotation. A worker that was woken for a job tries the listeners, too: the kernel wakes one worker
        for each connection, and that worker may have received the job instead."""
        if self.door in fds and self.accepts:
            fds = self.order
        elif len(fds) > 1:
            fds = sorted(fds, key=self.order.index)
        self.order = self.order[:2] + self.order[3:] + self.order[2:3]
        return [fd for fd in fds if fd in self.listeners or fd == self.door or self.told()]

    def told(self):
        """Whether there is a message of the adapter."""
        try:
            self.control.socket.recv(1, _PEEK)
        except BlockingIOError:
            return False
        return True

    def hear(self):
        """Handle a message of the adapter."""
        said = self.control.socket.recv(16)
        if said == b'G':
            self.watch([self.door, *self.listeners])
            self.accepts = True
        elif not said:
            self.ending = True
        else:
            self.quiet()

    def watch(self, fds):
        for fd in fds:
            self.poll.register(fd, _EPOLLIN | _EPOLLEXCLUSIVE)

    def quiet(self):
        """Accept nothing more."""
        if not self.accepts:
            return
        self.unwatch(self.listeners)
        self.accepts = False
        self.control.report(b'B')

    def unwatch(self, fds):
        for fd in fds:
            self.poll.unregister(fd)

    def given(self):
        """Receive a job from the door."""
        try:
            job = receive(self.shared.door, self.shared.room, self.control.log, 0x40)
        except BlockingIOError:
            return None  # another worker was first
        if job is None:
            raise OSError(9, CLOSED)  # the application has shut down the door
        self.begin(job.connection.fd, job.number, b'')
        return job

    def accept(self, listener):
        """Accept a connection. Return its request if that is ordinary, else pass the connection on."""
        try:
            fd, _ = listener._accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None  # another worker was first, or the client has closed the connection
        if fd < 3:
            fd, = mend(self.control.log, (fd,))
        shared = self.shared
        connection = Connection(fd, shared.patience)
        s = connection.socket
        if shared.peers is not None and s.getsockopt(_SOL_SOCKET, _SO_PEERCRED, 12)[4:8] not in shared.peers:
            return self.pass_on(connection, b'S')
        try:
            data = s.recv(_AHEAD, _PEEK)
        except BlockingIOError:
            data = self.soon(s)
        except OSError:
            data = b''
        if data == b'':
            connection.close()  # a probe: connected and closed
            return None
        ordinary = data and shared.decode(data)
        if not ordinary:
            return self.pass_on(connection, b'S')
        environ, body = ordinary
        id = environ.get('UNIQUE_ID', '')
        if not (id and len(id) <= 64 and id.isascii() and (id.isalnum() or id.translate(_OTHERS).isalnum())):
            id = '%s%016x' % (self.prefix, self.board.count >> 16)
        text = '\0'.join((environ['REQUEST_METHOD'], environ['SCRIPT_NAME'] + environ['PATH_INFO'], id)).encode('latin-1')
        if len(text) > _board.MOST:
            return self.pass_on(connection, b'S')
        self.begin(fd, 0, text)
        connection.unread = len(data)
        return Job(0, environ, io.BytesIO(body), id.encode(), connection)

    def begin(self, fd, job, text):
        if self.board.begin(fd, job, text):
            self.control.report(b'A')

    def soon(self, s):
        """Wait briefly for the request, and return its first bytes, or None."""
        import select
        poll = select.poll()
        poll.register(s.fileno(), select.POLLIN)
        try:
            return s.recv(_AHEAD, _PEEK) if poll.poll(self.about_to) else None
        except OSError:
            return b''

    def pass_on(self, connection, message):
        """Pass a connection to the adapter."""
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, connection.fd.to_bytes(4, sys.byteorder, signed=True))]
        while True:
            try:
                self.shared.door.sendmsg([message], rights)
                break
            except OSError as e:
                if e.errno == _EBADF:  # the application has closed it
                    self.control.report(message)
                if e.errno != _ETOOMANYREFS:
                    break  # the adapter has ended, and its end kills this process
                import time
                time.sleep(0.01)  # until the adapter has received earlier ones
        connection.close()

    def cost(self):
        return self.meter.read() if self.meter else (0, 0)

    def over(self, job, response, problem):
        """Complete a request; problem is the kind and the text of the application's failure, or None."""
        cpu, growth = self.cost()
        end, status = response.end(), response.code if response.head_sent else 0
        board = self.board
        if job.number:
            job.connection.close()
            if problem:
                self.control.failed(*problem)
            if not self.control.report(b'D %d %d %s %d %d %d %d' % (job.number, response.sent, end, status, board.took(), cpu, growth)):
                raise OSError(_EBADF, CLOSED)  # the adapter takes the job as lost, as its board shows
            board.takes()
        elif problem or end not in (b'whole', b'left'):
            # The request is left unread, so that the adapter can reset the connection by closing it.
            head = b'F %d %s %d %d %d %d\n' % (response.sent, end, status, board.took(), cpu, growth)
            self.pass_on(job.connection, head + board.text() + b'\0' + (failure(*problem)[2:] if problem else b''))
            board.takes()
        else:
            job.connection.finish()
            if board.end(response.sent, end == b'left', status, cpu, growth):
                self.control.report(b'A')

    def spent(self):
        """Return whether this process has reached its limit of requests or of memory."""
        if self.board.count >> 16 == self.shared.requests or self.meter and self.meter.large():
            self.control.report(b'B')
            self.board.waits()
            return True
        return False


_OTHERS = dict.fromkeys(map(ord, '-_@'))
