"""fastlane.py RUNTIME MOUNT HEADER_BYTES HEADERS BODY_BYTES DECLINED ...: answer with what decoders decide, one of each five arguments.

stdin has batches: a length, then as many bytes of questions. A question is the number of the decoder, a length, and a
request; its answer the lengths of the variables (NAME NUL VALUE NUL ...) and of the body, and both. The first is -1 where the request is declined.
"""
import struct
import sys
import types

package = types.ModuleType('_socketgi')
package.__path__ = [sys.argv[1]]
sys.modules['_socketgi'] = package
from _socketgi.fastlane import Decoder  # noqa: E402

args = sys.argv[2:]
decoders = [Decoder(args[i], *map(int, args[i + 1:i + 4]), frozenset(args[i + 4].split())) for i in range(0, len(args), 5)]
question, answer = struct.Struct('<BI'), struct.Struct('<iI')


def answers(batch):
    at = 0
    while at < len(batch):
        which, n = question.unpack_from(batch, at)
        at += question.size + n
        data = batch[at - n:at]
        decoded = decoders[which].decode(data)
        assert decoded == decoders[which].decode(data), 'what is remembered changes what is decided: %r' % data
        if decoded is None:
            yield answer.pack(-1, 0)
            continue
        environ, body = decoded
        assert type(environ) is dict and all(type(text) is str for item in environ.items() for text in item) and type(body) is bytes
        text = ''.join(name + '\0' + value + '\0' for name, value in environ.items()).encode('latin-1')
        yield answer.pack(len(text), len(body)) + text + body


while True:
    head = sys.stdin.buffer.read(4)
    if not head:
        break
    sys.stdout.buffer.write(b''.join(answers(sys.stdin.buffer.read(*struct.unpack('<I', head)))))
    sys.stdout.buffer.flush()
for decoder in decoders:
    for known in decoder.names, decoder.hosts:
        assert len(known) <= 50 and sum(map(len, known)) < 100000, 'clients decide how much is remembered'
