"""The server's side of the WebSocket protocol (RFC 6455) without input and output: the handshake,
and the bytes of frames.

Section numbers in comments are those of the RFC.
"""
import binascii
import codecs

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10  # 5.2

# 7.4.1, and IANA's registry of close codes
NORMAL, PROTOCOL_ERROR, NO_STATUS, ABNORMAL = 1000, 1002, 1005, 1006
INVALID_DATA, TOO_BIG, INTERNAL_ERROR, RESTART = 1007, 1009, 1011, 1012
_CODES = frozenset((*range(1000, 1004), *range(1007, 1015)))

_REASON = 123  # bytes: a control frame has 125 (5.5), and the code takes two
_GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'  # 1.3


class Violation(Exception):
    """The client violates the protocol, or a limit: the connection ends with code."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code, self.reason = code, reason


def requested(environ):
    """Return whether a request is a WebSocket handshake (4.2.1, 3 and 4)."""
    return 'websocket' in _tokens(environ.get('HTTP_UPGRADE')) and 'upgrade' in _tokens(environ.get('HTTP_CONNECTION'))


def refusal(environ):
    """The status, the headers and the text of the response to an invalid handshake; None: it is valid (4.2.1)."""
    version, key = environ.get('HTTP_SEC_WEBSOCKET_VERSION'), environ.get('HTTP_SEC_WEBSOCKET_KEY', '')
    if environ.get('REQUEST_METHOD') != 'GET':
        return '400 Bad Request', [], 'The method of a WebSocket handshake is GET.'
    if environ.get('SERVER_PROTOCOL', '') in ('HTTP/0.9', 'HTTP/1.0'):
        return '400 Bad Request', [], 'A WebSocket handshake is a request of HTTP/1.1.'
    if environ.get('CONTENT_LENGTH', '0') != '0':
        return '400 Bad Request', [], 'A WebSocket handshake has no body.'
    if version != '13':  # 4.4
        return '426 Upgrade Required', [('Sec-WebSocket-Version', '13')], 'This server has version 13 of the WebSocket protocol.'
    if not (len(key) == 24 and key.endswith('==') and key.isascii() and key[:22].replace('+', '0').replace('/', '0').isalnum()):
        return '400 Bad Request', [], 'Sec-WebSocket-Key is not the Base64 of 16 bytes.'
    return None


def acceptance(environ, subprotocol):
    """The headers of the answer that completes the handshake, as lines (4.2.2, 5)."""
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    digest = sha1(environ['HTTP_SEC_WEBSOCKET_KEY'].encode() + _GUID).digest()
    lines = ['Upgrade: websocket\r\n', 'Connection: Upgrade\r\n',
             'Sec-WebSocket-Accept: %s\r\n' % binascii.b2a_base64(digest, newline=False).decode()]
    if subprotocol is not None:
        lines.append('Sec-WebSocket-Protocol: %s\r\n' % subprotocol)
    return lines


def subprotocols(environ):
    """Return the subprotocols that the client offers, in its order (11.3.4)."""
    return [name for name in map(str.strip, environ.get('HTTP_SEC_WEBSOCKET_PROTOCOL', '').split(',')) if name]


def frame(opcode, size):
    """Return the header of an unfragmented frame with size bytes of payload (5.2)."""
    if size < 126:
        return bytes((0x80 | opcode, size))
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, 'big')
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, 'big')


def closing(code, reason=''):
    """Return a close frame with a code that a server may send (5.5.1, 7.4)."""
    if code == NO_STATUS:
        return frame(CLOSE, 0)
    text = reason.encode()
    if not sendable(code):
        raise ValueError('%r is no close code: those of an application are 1000 and from 3000 to 4999' % (code,))
    if len(text) > _REASON:
        raise ValueError('the reason of a close has %d bytes: %d is the most' % (len(text), _REASON))
    return frame(CLOSE, 2 + len(text)) + code.to_bytes(2, 'big') + text


def sendable(code):
    """Return whether a close frame may have this code (7.4.2)."""
    return code in _CODES or type(code) is int and 3000 <= code < 5000


class Frames:
    """The parser of the client's frames. most is the maximum size of a message in bytes; 0: no limit."""

    def __init__(self, most):
        self.most = most
        self.buffer = bytearray()   # received bytes that are not parsed yet
        self.kind = None            # the opcode of an incomplete message
        self.message = bytearray()  # its received part
        self.text = None            # the decoder that checks its text
        self.opcode = -1            # of the current frame; -1: its header is incomplete
        self.fin = False
        self.mask = b''
        self.left = 0               # bytes missing of its payload

    def feed(self, data):
        """Yield an opcode and a payload for each message or control frame that data completes. The payload of
        TEXT is a str, that of CLOSE the code and the reason; CLOSE is the last one. Raise a Violation after
        those before it."""
        buffer = self.buffer
        buffer += data
        while self.opcode >= 0 or self._begin():
            if self.opcode >= CLOSE and len(buffer) < self.left or self.left and not buffer:
                return
            size = min(self.left, len(buffer))
            data = _unmasked(bytes(buffer[:size]), self.mask)
            del buffer[:size]
            self.left -= size
            if size & 3:
                self.mask = self.mask[size & 3:] + self.mask[:size & 3]
            opcode = self.opcode
            if not self.left:
                self.opcode = -1
            if opcode < CLOSE:
                if self._add(data):
                    yield self._message(data)
            elif opcode == CLOSE:
                yield CLOSE, _closed(data)
                return
            else:
                yield opcode, data

    def _begin(self):
        """Parse the header of the next frame, and return whether it has arrived (5.2)."""
        buffer = self.buffer
        if len(buffer) < 2:
            return False
        opcode, self.fin, length = buffer[0] & 15, buffer[0] >= 0x80, buffer[1] & 127
        if buffer[0] & 0x70:
            raise Violation(PROTOCOL_ERROR, 'a reserved bit is set')
        if not buffer[1] & 0x80:
            raise Violation(PROTOCOL_ERROR, 'a frame is not masked')  # 5.1
        if opcode > PONG or BINARY < opcode < CLOSE:
            raise Violation(PROTOCOL_ERROR, 'opcode %d is reserved' % opcode)
        if opcode >= CLOSE:  # 5.5
            if not self.fin:
                raise Violation(PROTOCOL_ERROR, 'a control frame is fragmented')
            if length > 125:
                raise Violation(PROTOCOL_ERROR, 'a control frame has more than 125 bytes')
        elif (opcode == CONTINUATION) == (self.kind is None):  # 5.4
            raise Violation(PROTOCOL_ERROR, 'a continuation continues nothing' if self.kind is None else
                            'a message begins before the end of another')
        size = {126: 4, 127: 10}.get(length, 2)
        if len(buffer) < size + 4:
            return False
        if size > 2:
            length = int.from_bytes(buffer[2:size], 'big')
            if length < 126 or size == 10 and length < 65536 or length >> 63:
                raise Violation(PROTOCOL_ERROR, 'a length is not in its form')
        if opcode < CLOSE:
            if self.most and len(self.message) + length > self.most:
                raise Violation(TOO_BIG, 'a message has more than %d bytes' % self.most)
            if opcode:
                self.kind = opcode
        self.opcode, self.left, self.mask = opcode, length, bytes(buffer[size:size + 4])
        del buffer[:size + 4]
        return True

    def _add(self, data):
        """Add data to the message, and return whether it is complete. Invalid text is detected at once (8.1)."""
        last = self.fin and not self.left
        if last and not self.message:
            return True  # a single piece, which _message checks
        self.message += data
        if self.kind == TEXT:
            if self.text is None:
                self.text = codecs.getincrementaldecoder('utf-8')()
            _utf8(self.text.decode, data, last)
        return last

    def _message(self, data):
        """Return the complete message, whose last piece is data."""
        kind, whole = self.kind, bytes(self.message) or data
        self.kind = self.text = None
        self.message = bytearray()
        return kind, _utf8(whole.decode) if kind == TEXT else whole


def _closed(payload):
    """Return the code and the reason of a close frame (5.5.1)."""
    if not payload:
        return NO_STATUS, ''
    code = int.from_bytes(payload[:2], 'big')
    if len(payload) < 2 or not sendable(code):
        raise Violation(PROTOCOL_ERROR, 'a close frame has no valid code')
    return code, _utf8(payload[2:].decode)


def _utf8(decode, *args):
    try:
        return decode(*args)
    except UnicodeDecodeError:
        raise Violation(INVALID_DATA, 'a text is not UTF-8') from None


def _unmasked(data, mask):
    """Return the unmasked payload (5.3). An integer XOR is faster than one for each byte."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, 'little') ^ int.from_bytes(key, 'little')).to_bytes(size, 'little')


def _tokens(value):
    return [token.strip() for token in (value or '').lower().split(',')]
