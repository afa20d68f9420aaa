"""The board of a process with many requests at once: each has a place after the records.

Words of eight bytes; the first is written last:

    0  0: the place is free; else 65536 times the number of the request, plus the status of its response, 0
       until the head is sent
    1  the start of the request
    2  the descriptor of its connection
    3  the number of its job
    4  the length of its text, which begins at byte 64

A completed request has a record (board.py).
"""
from time import monotonic_ns

from _socketgi.board import RECORDS, Board  # accept.py has imported it

_HEAD, _PLACE, _TEXT = 512, 512, 64


class Places(Board):
    """The board with places. place is that of the request begun or selected last."""

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
