"""The board of a warm worker: its current request and the records of completed ones, in memory that it
shares with the adapter. The adapter reads it at any time, also after the worker has died. The layout is
that of board.go.

Words of eight bytes; the first is written last, in one piece:

    0  65536 times the number of requests begun, plus the state: WAITS, TAKES, or for a current
       request the status of its response, 0 until the head is sent
    1  the start of that request, in nanoseconds (CLOCK_MONOTONIC)
    2  the descriptor of its connection
    3  the number of its job; 0: this process has accepted it
    4  the record that contains its text
    5  the number of complete records
    6  the number of requests without a record, because none was free
    7  the number of records that the adapter has read
    8  1: the adapter doesn't read the board until it receives A (accept.py)
    9  the number of places (places.py); 0: this process handles one request at a time
    10 the last turn of its event loop, in nanoseconds

A record is for a request that this process has accepted: its duration in nanoseconds, bytes sent,
microseconds of processor time, KiB of growth, status, 1 if the client closed the connection, the start,
the length of the text; and the text: method NUL path NUL id.
"""
import posix
from time import monotonic_ns

from _struct import Struct

RECORDS = 256
_HEAD, _RECORD, _TEXT = 512, 512, 64
MOST = _RECORD - _TEXT  # the maximum size of a text, in bytes
WAITS, TAKES = 0xffff, 0xfffe
_record, _request = Struct('=8Q').pack_into, Struct('=4Q').pack_into


class Board:
    def __init__(self, fd, recording):
        import mmap
        memory = mmap.mmap(fd, 0)
        posix.close(fd)
        self.memory = memory
        self.words = memoryview(memory).cast('Q')
        self.recording = recording
        self.count = self.records = self.at = self.started = self.length = 0

    def waits(self):
        self.words[0] = self.count | WAITS

    def takes(self):
        self.words[0] = self.count | TAKES

    def begin(self, fd, job, text):
        """Begin a request. Return whether to report it to the adapter."""
        words = self.words
        at = self.records % RECORDS if self.records - words[7] < RECORDS else RECORDS  # a spare record, which is dropped
        start = _HEAD + at * _RECORD + _TEXT
        self.at, self.length, self.started = at, len(text), monotonic_ns()
        self.memory[start:start + self.length] = text
        words[(start >> 3) - 1] = self.length
        _request(self.memory, 8, self.started, fd, job, at)
        self.count = words[0] = self.count + 65536
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
        return self.memory[start:start + self.length]

    def end(self, sent, left, status, cpu, growth):
        """Complete the request. Return whether the adapter should read the records soon."""
        at, words = self.at, self.words
        took = monotonic_ns() - self.started
        _record(self.memory, _HEAD + at * _RECORD, took, sent, cpu, growth, status, left, self.started, self.length)
        words[0] = self.count | TAKES
        if not self.recording and status < 500:
            return False
        if at == RECORDS:
            words[6] += 1
            return False
        self.records += 1
        words[5] = self.records
        return self.records - words[7] == RECORDS // 2
