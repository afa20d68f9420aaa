"""What a warm worker is doing, and what it has done: memory that it shares with the adapter, which
reads it when it likes, and when the worker has died. The layout is that of board.go.

Eight bytes each, of which the first is written in one piece and last:

    0  65536 times the number of requests begun, and what this process is at: WAITS, TAKES, or a
       request: 0, and from when the head of the response goes out its status
    1  when that request was begun, in nanoseconds (CLOCK_MONOTONIC)
    2  the descriptor of its connection
    3  the number of its job, 0: it was accepted by this process
    4  in which record its text is
    5  how many records are complete, 6 how many were left out, because none was free
    7  how many of them the adapter has read
    8  1 if it doesn't look at the board until it is told that a request was begun
    9  how many places there are (places.py), 0: this process is at one request at a time
    10 when its event loop had a turn last, in nanoseconds

A record is one of a request that this process accepted: for how many nanoseconds, bytes sent,
microseconds of processor time, KiB of growth, status, 1 if the client left, when it was begun, the length
of its text; and the text: method NUL path NUL id.
"""
import posix
from time import monotonic_ns

from _struct import Struct

RECORDS = 256
_HEAD, _RECORD, _TEXT = 512, 512, 64
MOST = _RECORD - _TEXT  # the maximum size of a text, in bytes
_WAITS, _TAKES = 0xffff, 0xfffe
_pack = Struct('=8Q').pack_into


class Board:
    def __init__(self, fd, recording):
        import mmap
        memory = mmap.mmap(fd, 0)
        posix.close(fd)
        self.bytes = memoryview(memory)
        self.words = self.bytes.cast('Q')
        self.recording = recording
        self.count = self.records = self.at = self.started = self.length = 0

    def waits(self):
        self.words[0] = self.count | _WAITS

    def takes(self):
        self.words[0] = self.count | _TAKES

    def begin(self, fd, job, text):
        """Begin a request. Return whether to report it to the adapter."""
        words = self.words
        at = self.records % RECORDS if self.records - words[7] < RECORDS else RECORDS  # a spare record, which is dropped
        start = _HEAD + at * _RECORD + _TEXT
        self.length = len(text)
        self.bytes[start:start + self.length] = text
        words[(start >> 3) - 1] = self.length
        self.at = words[4] = at
        words[2] = fd
        words[3] = job
        self.started = words[1] = monotonic_ns()
        self.count += 65536
        words[0] = self.count
        if words[8]:
            words[8] = 0
            return True
        return False

    def head(self, status):
        self.words[0] = self.count + status

    def took(self):
        return monotonic_ns() - self.started

    def text(self):
        start = _HEAD + self.at * _RECORD + _TEXT
        return bytes(self.bytes[start:start + self.length])

    def end(self, sent, left, status, cpu, growth):
        """Complete the request. Return whether the adapter should read the records soon."""
        at, words = self.at, self.words
        _pack(self.bytes, _HEAD + at * _RECORD, self.took(), sent, cpu, growth, status, left, self.started, self.length)
        self.takes()
        if not self.recording and status < 500:
            return False
        if at == RECORDS:
            words[6] += 1
            return False
        self.records += 1
        words[5] = self.records
        return self.records - words[7] == RECORDS // 2
