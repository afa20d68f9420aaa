"""The board of a process that is at many requests at once: each has a place behind the records.

Eight bytes each, of which the first is written last:

    0  0: the place is free, or 65536 times the number of the request, and from when the head of the response
       goes out its status
    1  when it was begun
    2  the descriptor of its connection
    3  the number of its job
    4  the length of its text, which follows after 64 bytes

The request has a record (board.py) when it is over.
"""
from time import monotonic_ns

from _socketgi.board import RECORDS, Board  # which accept.py has loaded

_HEAD, _PLACE, _TEXT = 512, 512, 64


class Places(Board):
    """place is the one of the request that was begun last, or selected."""

    def __init__(self, fd, recording, places):
        super().__init__(fd, recording)
        self.free = list(range(places - 1, -1, -1))
        self.place = 0
        self.waits()
        self.words[9] = places

    def begin(self, fd, job, text):
        words = self.words
        self.place = self.free.pop()
        at = self._word()
        start = (at << 3) + _TEXT
        self.memory[start:start + len(text)] = text
        words[at + 1], words[at + 2], words[at + 3], words[at + 4] = monotonic_ns(), fd, job, len(text)
        self.count += 65536
        words[at] = self.count
        self.waits()
        asleep, words[8] = words[8], 0
        return asleep

    def _word(self):
        return (_HEAD + (RECORDS + 1) * _PLACE + self.place * _PLACE) >> 3

    def select(self, place):
        self.place = place
        at = self._word()
        self.started, self.length = self.words[at + 1], self.words[at + 4]

    def head(self, status):
        at = self._word()
        self.words[at] = self.words[at] & ~0xffff | status

    def text(self):
        start = (self._word() << 3) + _TEXT
        return self.memory[start:start + self.length]

    def end(self, *result):
        text = self.text()
        self.at = self.records % RECORDS if self.records - self.words[7] < RECORDS else RECORDS
        start = _HEAD + self.at * _PLACE + _TEXT
        self.memory[start:start + len(text)] = text
        return super().end(*result)

    def leave(self):
        """Free the place."""
        self.words[self._word()] = 0
        self.free.append(self.place)
        self.waits()

    def turn(self):
        self.words[10] = monotonic_ns()
