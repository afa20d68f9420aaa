"""Copy the memory that a request writes to before the request arrives.

A forked process shares its memory with its parent, and copies a page when it first writes to it. That
takes half of the time of a request in a fresh process. The first processes report the pages that they
have written to, and later ones copy these pages while they wait. They do so only in quiet times: some
pages are copied in vain, and waiting requests need the processor.
"""
import posix
import select

import _socket

_PAGE = posix.sysconf('SC_PAGESIZE')
_POPULATE_WRITE = 23  # madvise(2), Linux 5.14
_LEARN = 3  # the number of processes that report
_MOST = 200000  # bytes of a message
_QUIET = 10  # milliseconds
_GAP = 2 * _PAGE  # copying it takes less time than another call


class Pages:
    def __init__(self):
        import ctypes
        self.madvise = ctypes.CDLL(None).madvise
        self.madvise.argtypes = ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int
        self.ours, self.theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        self.learned = 0
        self.known = ()  # type: tuple

    def fileno(self):
        return self.ours.fileno()

    def learn(self):
        """In the parent: receive a report, and return whether it was the last one."""
        data = self.ours.recv(_MOST)
        numbers = memoryview(data[:len(data) // 16 * 16]).cast('Q').tolist()
        self.known = tuple(zip(numbers[::2], numbers[1::2]))
        self.learned += 1
        return self.learned == _LEARN

    def touch(self, fds):
        """In a waiting process: copy the pages, unless one of fds becomes readable soon."""
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        if not self.known or poll.poll(_QUIET):
            return
        for start, length in self.known:
            self.madvise(start, length, _POPULATE_WRITE)  # it fails for a range that is no longer mapped

    def tell(self):
        """In a process that has served its request: report the pages."""
        if self.learned >= _LEARN:
            return
        ranges = []  # type: list
        try:
            for start, end in _written():
                if ranges and start - ranges[-1][1] <= _GAP:
                    ranges[-1][1] = end
                else:
                    ranges.append([start, end])
            said = b''.join(start.to_bytes(8, 'little') + (end - start).to_bytes(8, 'little') for start, end in ranges)
            self.theirs.setblocking(False)
            self.theirs.send(said[:_MOST])
        except OSError:
            pass  # the parent has enough reports


def _written():
    """Generate the ranges of memory that this process shares with no other (proc_pid_pagemap(5))."""
    with open('/proc/self/pagemap', 'rb', 0) as pagemap, open('/proc/self/maps') as maps:
        for line in maps:
            area, permissions = line.split()[:2]
            if permissions != 'rw-p':
                continue
            start, end = (int(part, 16) for part in area.split('-'))
            entries = posix.pread(pagemap.fileno(), (end - start) // _PAGE * 8, start // _PAGE * 8)
            begin = None
            for i, entry in enumerate(memoryview(entries).cast('Q')):
                # Present, exclusively mapped, and not a page of a file.
                if entry >> 63 and entry >> 56 & 1 and not entry >> 61 & 1:
                    if begin is None:
                        begin = start + i * _PAGE
                elif begin is not None:
                    yield begin, start + i * _PAGE
                    begin = None
            if begin is not None:
                yield begin, end
