"""The server side of one WSGI request (PEP 3333), writing to the connection itself."""
import io
import posix
import sys

_HOP_BY_HOP = frozenset((
    'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'trailers',
    'transfer-encoding', 'upgrade'))  # RFC 9110 7.6.1, RFC 2616 13.5.1
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")  # RFC 9110 5.6.2


_statuses = {}  # type: dict  # those that have passed the check: an application uses few of each
_names = set()  # type: set
_lines = {}  # type: dict
_MOST, _LONGEST = 1000, 200  # their limits, for applications that generate them


def check_status(status):
    code = _statuses.get(status)
    if code is not None:
        return code
    if not (len(status) >= 4 and status[:3].isascii() and status[:3].isdigit() and status[3] == ' '
            and status.isprintable()):
        raise ValueError('%r is not a status such as "200 OK"' % status)
    status.encode('latin-1')
    code = int(status[:3])
    if code < 200:
        raise ValueError('%r is an interim status, which only a web server may send' % status)
    if len(_statuses) < _MOST:
        _statuses[status] = code
    return code


def _check_name(name):
    if not name or not _TOKEN.issuperset(name):
        raise ValueError('%r is not a valid header name' % name)
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise ValueError('%s is a hop-by-hop header, which only a web server may send' % name)
    if lower == 'status':
        raise ValueError('the status is the first argument of start_response, not a header')
    if len(_names) < _MOST:
        _names.add(name)


# PEP 3333 forbids control characters in a value. HTAB is allowed, because it is white space there
# (RFC 9110 5.5), and 0x80 to 0x9f, because they are bytes of UTF-8.
_CONTROL = frozenset(map(chr, (*range(9), *range(10, 32), 127)))


def _check_value(name, value):
    if not _CONTROL.isdisjoint(value):
        raise ValueError('the value of %s contains a control character: %r' % (name, value))
    value.encode('latin-1')


def _plain(text, what):
    """Return text as an exact str: the methods of a subclass could return other values after the check."""
    if not isinstance(text, str):
        raise TypeError('%s must be str, not %s' % (what, type(text).__name__))
    return str.__str__(text)


def check_headers(headers):
    """The headers as lines to send, and their Content-Length, None if there is none."""
    length = None
    checked = []
    for header in headers:
        line = _lines.get(header) if type(header) is tuple else None
        if line:
            checked.append(line)
            continue
        name, value = header
        if type(name) is not str or type(value) is not str:
            name, value = _plain(name, 'the name of a header'), _plain(value, 'the value of a header')
        if name not in _names:
            _check_name(name)
        if not (value.isascii() and value.isprintable()):
            _check_value(name, value)
        if len(name) == 14 and name.lower() == 'content-length':
            if not (value.isascii() and value.isdigit()):
                raise ValueError('%r is not a valid Content-Length' % value)
            if length is not None:
                raise ValueError('Content-Length is repeated')
            length = int(value)
        line = '%s: %s\r\n' % (name, value)
        checked.append(line)
        if length is None and len(_lines) < _MOST and len(line) < _LONGEST:
            _lines[name, value] = line
    return checked, length


# Reasons why a connection sends no more.
RETURNED = 'the response is complete: nothing can be added to it'
FORKED = 'a process that was forked during a request cannot send a response'


class ClientGone(BrokenPipeError):
    """The web server has closed the connection, because its client has."""

    why = 'the web server has closed the connection'


class ClientStuck(ClientGone):
    """The web server doesn't read the response."""

    why = 'the web server has read nothing of the response for --send-timeout: the response is cut off'


class Unsent(OSError):
    """Nothing was sent."""


class ShortBody(Exception):
    """The body is shorter than the Content-Length."""


class FileWrapper:
    """wsgi.file_wrapper: an iterable whose file the kernel can send (_send_file)."""

    def __init__(self, filelike, blksize=65536):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, 'close'):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


class Response:
    """One response: start_response and write for the application, run for the server."""

    status = None      # type: str   # '200 OK'
    headers = None     # type: list  # lines
    head_sent = False
    complete = False   # all of the response has been sent
    sent = 0           # bytes of the body

    def __init__(self, connection, method, announce, shuts):
        self.connection = connection
        self.announce = announce      # called with the status code before the head is sent
        self.shuts = shuts            # this process ends the response, not the adapter
        self.bodiless = method == 'HEAD'
        self.gone = None              # ClientGone or ClientStuck
        self.length = None            # the Content-Length

    # Called by the application.

    def start_response(self, status, headers, exc_info=None):
        if self.connection.over is RETURNED:
            raise RuntimeError(RETURNED)
        if exc_info:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError('start_response was called a second time without exc_info')
        if type(status) is not str:
            status = _plain(status, 'the status')
        code = check_status(status)
        if type(headers) is not list:
            raise TypeError('the headers must be a list, not %s' % type(headers).__name__)
        self.headers, self.length = check_headers(headers)  # by PEP 3333, in the form to send
        self.status, self.code = status, code
        return self.write

    def write(self, data):
        if type(data) is not bytes and not isinstance(data, bytes):
            raise TypeError('the argument of write must be bytes, not %s' % type(data).__name__)
        if self.status is None:
            raise AssertionError('start_response was not called before the first byte of the body')
        if self.connection.over or self.complete:
            raise RuntimeError(self.connection.over or RETURNED)
        if data or not self.head_sent:
            self._send(data)

    # Called by the server.

    def run(self, app, environ):
        result = app(environ, self.start_response)
        if self.connection.over:
            return  # a child that the application has forked
        try:
            self._send_all(result)
            if self.gone:
                self._lost(self.gone)  # the application has caught the first one
            if self.length is not None and self.sent < self.length and not self.bodiless:
                raise ShortBody('%d of %d bytes' % (self.sent, self.length))
            self.complete = True
        finally:
            # The response ends before close() is called: the client doesn't wait for that.
            close = getattr(result, 'close', None)
            if self.complete and (self.shuts or close):
                self.connection.shutdown()
            if close and not self.connection.over:
                close()

    def end(self):
        if self.complete:
            return b'whole'
        if self.gone:
            return b'left'
        return b'cut' if self.head_sent else b'none'

    def _lost(self, kind):
        self.gone = kind
        raise kind(kind.why) from None

    def _send_all(self, result):
        if type(result) is FileWrapper and self._send_file(result):
            return
        # The length of the body is known if it is a list or tuple of one item.
        single = type(result) in (list, tuple) and len(result) <= 1
        for data in result:
            if self.connection.over:
                return  # as in run
            if type(data) is not bytes and not isinstance(data, bytes):
                raise TypeError('the body must consist of bytes, not %s' % type(data).__name__)
            if not data:
                continue
            if self.status is None:
                raise AssertionError('start_response was not called before the first byte of the body')
            if single and not self.head_sent:
                self._know_length(len(data))
            self._send(data)
            if self.bodiless:
                return  # HEAD, 204, 304: the rest is not sent
        if not self.head_sent:
            if self.status is None:
                raise AssertionError('the application returned without calling start_response')
            if not self.bodiless:
                self._know_length(0)
            self._send(b'')

    def _know_length(self, n):
        if self.length is None and self.code not in (204, 304):
            self.length = n
            self.headers.append('Content-Length: %d\r\n' % n)

    def _head(self):
        if self.code in (204, 304):
            self.bodiless = True
        self.head_sent = True
        self.announce(self.code)
        return 'Status: {}\r\n{}\r\n'.format(self.status, ''.join(self.headers)).encode('latin-1')

    def _take(self, data):
        """What is to be sent for data, with the head if that is still to come, and of the body."""
        if self.gone:
            self._lost(self.gone)
        head = b'' if self.head_sent else self._head()
        if self.bodiless:
            data = b''
        elif self.length is not None and self.sent + len(data) > self.length:
            print('the application sends more than its Content-Length of %d: the rest is discarded' % self.length,
                  file=sys.stderr)
            data = data[:self.length - self.sent]
        self.sent += len(data)
        return head, data

    def _untake(self, head, data):
        """Nothing of that was sent."""
        self.sent -= len(data)
        if head:  # the client can still get an error page
            self.head_sent = False
            self.announce(0)

    def _send(self, data):
        head, data = self._take(data)
        try:
            if len(data) <= 65536:
                self.connection.send(head + data if head else data)
            else:
                if head:
                    self.connection.send(head)
                    head = b''
                self.connection.send(data)
        except Unsent:
            self._untake(head, data)
            raise
        except (BrokenPipeError, ConnectionResetError):
            self._lost(ClientGone)
        except TimeoutError:
            self._lost(ClientStuck)

    def _send_file(self, wrapper):
        """Have the kernel send the file. Return False if it can't: the file must be iterated."""
        f = wrapper.filelike
        raw = getattr(f, 'raw', f) if type(f) in (io.BufferedReader, io.BufferedRandom) else f
        if type(raw) is not io.FileIO or self.status is None:
            return False
        file = raw.fileno()
        try:
            offset = f.tell()
            size = posix.fstat(file).st_size - offset
            # In /proc, /sys and some other file systems, st_size is not the size of the contents.
            # It is correct if there is a byte at the last offset and none after it.
            if size <= 0 or len(posix.pread(file, 2, offset + size - 1)) != 1:
                return False
        except OSError:
            return False
        if not self.head_sent:
            self._know_length(size)
        if self.length is not None:
            size = min(size, self.length - self.sent)
        self._send(b'')
        if self.bodiless:
            return True
        end, before = offset + size, self.sent
        try:
            while offset < end:
                n = self.connection.send_file(file, offset, min(end - offset, 1 << 30))
                if n == 0:
                    break  # the file has become shorter, which the check of the length reports
                offset += n
                self.sent += n
        except (BrokenPipeError, ConnectionResetError):
            self._lost(ClientGone)
        except TimeoutError:
            self._lost(ClientStuck)
        except OSError as e:
            import errno
            if self.sent > before or e.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            return False  # some file systems don't support it
        return True
