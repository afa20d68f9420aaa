"""Standard output and standard error of a warm worker: each line has the id of the request that
it is written for in front, by which the adapter logs it (CutMark in mark.go).

A line that other code than Python's writes, and one that is written between requests, has none.
"""
import io
import posix
import sys

_BEFORE, _BEHIND = b'\x1e', b'\x1f'  # around an id: separators (ECMA-48, 8.3.58), which no text has


class Marked(io.RawIOBase):
    mark = b''  # of all streams: what is put before a line

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
    """What is written from now on is for the request with this id, b'' for none."""
    Marked.mark = id and _BEFORE + id + _BEHIND


def install():
    """Put such streams in the place of the usual ones."""
    for fd, name in (1, 'stdout'), (2, 'stderr'):
        old = getattr(sys, name)
        if isinstance(old, io.TextIOWrapper):
            raw = io.BufferedWriter(Marked(fd))
            new = io.TextIOWrapper(raw, old.encoding, old.errors, line_buffering=True)
            setattr(sys, name, new)
            setattr(sys, '__%s__' % name, new)
