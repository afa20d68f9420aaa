"""The fast lane: the worker decodes an ordinary request itself.

The law: for each request that is accepted here, the decoder in Go (package scgi) returns the same variables
and the same body, under the same limits. Requests that it would repair, join or refuse are not accepted
here. FuzzFastLane compares the two.
"""

_VISIBLE = frozenset(map(chr, range(33, 127)))
_NAME = _VISIBLE - {'='}
_TOKEN = _VISIBLE.difference('"(),/:;<=>?@[\\]{}')  # RFC 9110 5.6.2
_HOST = _VISIBLE.difference('"#/<>?\\^`{|}')  # RFC 3986 3.2.2
_METHODS = frozenset(('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'))
_PROTOCOLS = frozenset(('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'HTTP/3.0'))
_MOST, _LONGEST = 1000, 100  # limits of the names and hosts that are remembered: clients choose them


class Decoder:
    """mount is the SCRIPT_NAME of requests that have none. The limits are those of scgi.Limits, with the
    same defaults for 0. A request with one of the declined names is not accepted."""

    def __init__(self, mount, header_bytes, headers, body_bytes, declined):
        self.mount = mount
        self.header_bytes = header_bytes or 65536
        self.items = 2 * (headers or 1000)
        self.body_bytes = body_bytes or 65536
        self.declined = declined
        self.names, self.hosts = set(), {''}  # those that have passed the check

    def decode(self, data):
        """Return environ, without the keys of PEP 3333, and the body of a complete request of at most
        64 KiB, or None."""
        colon = data.find(b':', 0, 7)
        digits = data[:colon]
        if colon < 1 or not digits.isdigit() or digits[0] == 48:  # ord('0')
            return None
        start = colon + 1
        end = start + int(digits)
        if data[end - 1:end + 1] != b'\0,' or data.find(b'\n', start, end) >= 0 or data.find(b'\r', start, end) >= 0:
            return None
        items = data[start:end - 1].decode('latin-1').split('\0')
        environ = dict(zip(items[::2], items[1::2]))
        body = data[end + 1:]
        length = str(len(body))
        get = environ.get
        path = get('DOCUMENT_URI')
        uri = get('REQUEST_URI', '\0')
        if (len(items) != 2 * len(environ) and not self._repeats(items[::2], items[1::2], len(environ))
                or items[0] != 'CONTENT_LENGTH' or items[1] != length or get('SCGI') != '1'
                or environ.pop('HTTP_CONTENT_LENGTH', length) != length
                or get('REQUEST_METHOD') not in _METHODS or get('SERVER_PROTOCOL') not in _PROTOCOLS
                or not (uri.isascii() and uri.isprintable() and get('SERVER_PORT'))
                or not path  # without it, the other variables depend on the web server (webserver.go)
                or not (self.names.issuperset(environ) or all(map(self._name, environ)))
                or not self._host(get('HTTP_HOST', ''))
                or end - start > self.header_bytes or len(items) > self.items or len(body) > self.body_bytes):
            return None
        if not get('SERVER_NAME'):  # nginx sends an empty one for a server without a server_name
            host = get('HTTP_HOST', '')
            port = host.rfind(':')
            environ['SERVER_NAME'] = (host[:port] if port >= 0 and ']' not in host[port:] else host) or 'localhost'
        script = get('SCRIPT_NAME', self.mount).rstrip('/')
        info = get('PATH_INFO')
        if info is None:
            info = path[len(script):]
            if not path.startswith(script) or info[:1] not in ('', '/'):
                return None
        elif info[:1] != '/' and (info or not script):
            info = '/' + info
        environ['SCRIPT_NAME'], environ['PATH_INFO'] = script, info
        environ.setdefault('QUERY_STRING', '')
        for left_out in 'HTTP_CONTENT_TYPE', 'HTTP_TRANSFER_ENCODING', 'HTTP_PROXY':
            environ.pop(left_out, None)
        return environ, body

    def _repeats(self, names, values, different):
        """Whether only HTTP_HOST is repeated, as by Debian's scgi_params: the last one counts."""
        return (len(names) == len(values) == different + 1 and names.count('HTTP_HOST') == 2
                and self._host(values[names.index('HTTP_HOST')]))

    def _name(self, name):
        return name in self.names or self._remember(self.names, name, name not in self.declined and (
            len(name) > 5 and _TOKEN.issuperset(name) if name[:5] == 'HTTP_' else name and _NAME.issuperset(name)))

    def _host(self, host):
        return host in self.hosts or self._remember(self.hosts, host, _HOST.issuperset(host))

    def _remember(self, known, text, right):
        if right and len(known) < _MOST and len(text) < _LONGEST:
            known.add(text)
        return right
