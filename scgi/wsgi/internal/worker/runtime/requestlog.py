"""Standard output and standard error of a warm worker: each line begins with the id of its request,
which the adapter logs (CutMark in mark.go).

Lines that C code writes, and lines between requests, have no id.
"""
import io
import posix
import sys

_BEFORE, _BEHIND = b'\x1e', b'\x1f'  # around an id: information separators (ECMA-48, 8.3.58)


class Marked(io.RawIOBase):
    mark = b''  # the beginning of each line, for all streams

    def __init__(self, fd):
        self.fd = fd
        self.at_start = True  # of a line

    def write(self, data):
        data = bytes(data)
        out = data
        if self.mark:
            out = data.replace(b'\n', b'\n' + self.mark)
            if data.endswith(b'\n'):
                out = out[:-len(self.mark)]
            if self.at_start:
                out = self.mark + out
        self.at_start = data.endswith(b'\n')
        rest = memoryview(out)
        while rest:
            rest = rest[posix.write(self.fd, rest):]
        return len(data)

    def writable(self):
        return True

    def fileno(self):
        return self.fd

    def isatty(self):
        return False


def begin(id):
    """Begin the lines of the request with this id, b'' for none."""
    Marked.mark = id and _BEFORE + id + _BEHIND


def per_task():
    """Have each task of an event loop write for a request of its own. Return what takes the place of begin."""
    from _contextvars import ContextVar
    mark = ContextVar('mark', default=b'')
    Marked.mark = property(lambda self: mark.get())  # type: ignore[assignment]

    def begin(id):
        mark.set(id and _BEFORE + id + _BEHIND)
    return begin


def install():
    """Replace sys.stdout and sys.stderr."""
    for fd, name in (1, 'stdout'), (2, 'stderr'):
        old = getattr(sys, name)
        if isinstance(old, io.TextIOWrapper):
            raw = io.BufferedWriter(Marked(fd))
            new = io.TextIOWrapper(raw, old.encoding, old.errors, line_buffering=True)
            setattr(sys, name, new)
            setattr(sys, '__%s__' % name, new)
