"""websocket.py RUNTIME: answer with what Frames makes of the bytes of clients.

stdin has batches: a length, then as many bytes of questions. A question is the most bytes of a message, how many bytes are
fed at once (0: all), a length, and the bytes. Its answer is a length and lines: an opcode and the payload in hexadecimal digits,
behind the code for a close; "!" and the code of a violation.
"""
import struct
import sys
import types

package = types.ModuleType('_socketgi')
package.__path__ = [sys.argv[1]]
sys.modules['_socketgi'] = package
from _socketgi.websocket import CLOSE, TEXT, Frames, Violation  # noqa: E402

question, answer = struct.Struct('<IBI'), struct.Struct('<I')


def lines(most, step, data):
    frames = Frames(most)
    try:
        for at in range(0, len(data), step or len(data) or 1):
            for opcode, payload in frames.feed(data[at:at + (step or len(data))]):
                if opcode == CLOSE:
                    yield '%d %d %s\n' % (opcode, payload[0], payload[1].encode().hex())
                    return
                assert type(payload) is (str if opcode == TEXT else bytes)
                yield '%d %s\n' % (opcode, (payload.encode() if opcode == TEXT else payload).hex())
    except Violation as e:
        assert 0 < len(e.reason.encode()) < 124, 'it does not fit into a close frame'
        yield '! %d\n' % e.code
        return
    assert len(frames.buffer) < 140, 'what has arrived is not used'


def answers(batch):
    at = 0
    while at < len(batch):
        most, step, n = question.unpack_from(batch, at)
        at += question.size + n
        text = ''.join(lines(most, step, batch[at - n:at])).encode()
        yield answer.pack(len(text)) + text


while True:
    head = sys.stdin.buffer.read(4)
    if not head:
        break
    sys.stdout.buffer.write(b''.join(answers(sys.stdin.buffer.read(*struct.unpack('<I', head)))))
    sys.stdout.buffer.flush()
