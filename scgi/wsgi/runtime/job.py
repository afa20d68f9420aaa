"""The socket on which a worker takes jobs and reports on them.

A job is one message: "HEADER-LENGTH BODY-LENGTH\\n", the header block (NAME NUL
VALUE NUL ...), the body if it is small. With it come descriptors: the
connection, and the body's file if it is not. The worker reports in messages of
their own, of which the first letter is the kind:

    H STATUS        the head of the response goes out now
    E KIND\\nTEXT    the application failed; KIND is import, exception, exit or cut
    D BYTES END     done: how many bytes of body were sent, and whether the response
                    is whole, cut, left by the client, or none (no head was sent)
    L               there is no job: the application is loaded, and that was all

A worker that takes many jobs says two things more:

    R                   it can take one
    D BYTES END CPU RSS microseconds of processor time for this job, and KiB that are
                        resident after it
"""
import io
import posix
import sys

import _socket

_INT = 4  # sizeof(int), what a descriptor takes in a control message
_MSG_CMSG_CLOEXEC = 0x40000000  # which PyPy's _socket lacks


class Job:
    def __init__(self, environ, body, connection):
        self.environ = environ
        self.body = body
        self.connection = connection


class Meter:
    """What this process takes, from one job to the next."""

    def __init__(self):
        import time
        self.clock = time.process_time_ns
        self.before = self.clock()
        self.statm = posix.open('/proc/self/statm', posix.O_RDONLY | posix.O_CLOEXEC)
        self.page = posix.sysconf('SC_PAGESIZE') >> 10

    def read(self):
        now = self.clock()
        cpu, self.before = (now - self.before) // 1000, now
        return cpu, int(posix.pread(self.statm, 100, 0).split()[1]) * self.page


class JobSocket:
    def __init__(self, fd):
        posix.set_inheritable(fd, False)
        self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)
        self.meter = None

    def take(self):
        """The next job, None when there will be none."""
        data, control, _, _ = self.socket.recvmsg(
            262144, _socket.CMSG_SPACE(2 * _INT), _MSG_CMSG_CLOEXEC)
        if not data:
            return None
        fds = []
        for _, _, part in control:
            fds += [int.from_bytes(part[i:i + _INT], sys.byteorder) for i in range(0, len(part) - _INT + 1, _INT)]
        end = data.index(b'\n')
        header, body = map(int, data[:end].split())
        end += 1
        # WSGI strings are bytes in latin-1 (PEP 3333, Unicode Issues).
        parts = data[end:end + header].decode('latin-1').split('\0')
        environ = dict(zip(parts[0:-1:2], parts[1::2]))
        if len(fds) > 1:
            stream = open(fds[1], 'rb', 65536)
        else:
            stream = io.BytesIO(data[end + header:end + header + body])
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fds[0])
        connection.settimeout(None)  # whatever socket.setdefaulttimeout says
        return Job(environ, stream, connection)

    def head(self, status):
        self._report(b'H %d' % status)

    def failed(self, kind, text):
        # The adapter reads 64 KiB; the end of a report says most.
        self._report(b'E %s\n%s' % (kind.encode(), text.encode('utf-8', 'backslashreplace')[-60000:]))

    def done(self, sent, end):
        message = b'D %d %s' % (sent, end.encode())
        if self.meter:
            message += b' %d %d' % self.meter.read()
        self._report(message)

    def ready(self):
        """Say that jobs can come, and begin to say what each of them takes."""
        self.meter = Meter()
        self._report(b'R')

    def loaded(self):
        self._report(b'L')

    def _report(self, message):
        try:
            self.socket.send(message)
        except OSError:
            pass  # the adapter is gone, and this process is about to be
