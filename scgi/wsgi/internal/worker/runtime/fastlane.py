"""The fast lane: the worker decodes an ordinary request itself.

The law: for each request that is accepted here, the decoder in Go (package scgi) returns the same variables
and the same body, under the same limits. Requests that it would repair, join or refuse are not accepted
here. FuzzFastLane compares the two.
"""
from sys import intern

_VISIBLE = frozenset(map(chr, range(33, 127)))
_NAME = _VISIBLE - {'='}
_TOKEN = _VISIBLE.difference('"(),/:;<=>?@[\\]{}')  # RFC 9110 5.6.2
_HOST = _VISIBLE.difference('"#/<>?\\^`{|}')  # RFC 3986 3.2.2
_METHODS = frozenset(('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'))
_PROTOCOLS = frozenset(('HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'HTTP/3.0'))
_NEEDED = frozenset(('REQUEST_METHOD', 'REQUEST_URI', 'DOCUMENT_URI', 'SCGI', 'SERVER_PROTOCOL', 'SERVER_PORT'))
_LEFT_OUT = frozenset(('HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE', 'HTTP_TRANSFER_ENCODING', 'HTTP_PROXY'))
_MOST, _LONGEST = 50, 1900  # limits of the hosts and the lists of names that are remembered: clients choose them


class Decoder:
    """mount is the SCRIPT_NAME of requests that have none. The limits are those of scgi.Limits, with the
    same defaults for 0. A request with one of the declined names is not accepted. base is part of each environ."""

    def __init__(self, mount, header_bytes, headers, body_bytes, declined, base=()):
        self.header_bytes = header_bytes or 65536
        self.headers = headers or 1000
        self.body_bytes = body_bytes or 65536
        self.declined = declined.union(base)
        self.base = dict(base, SERVER_NAME='', SCRIPT_NAME=mount, PATH_INFO=None, QUERY_STRING='')
        self.names, self.hosts = {}, {'': True}  # those that have passed the check
        self.last = [], None  # type: tuple  # names and what is known of them: the next request often has the same

    def decode(self, data):
        """Return environ, with the keys of PEP 3333 that are in base, and the body of a complete request of
        at most 64 KiB, or None."""
        colon = data.find(b':', 0, 7)
        digits = data[:colon]
        if colon < 1 or not digits.isdigit() or digits[0] == 48:  # ord('0')
            return None
        start = colon + 1
        end = start + int(digits)
        text = data[start:end - 1].decode('latin-1')
        if data[end - 1:end + 1] != b'\0,' or '\n' in text or '\r' in text:
            return None
        items = text.split('\0')
        names, values = items[::2], items[1::2]
        last, checked = self.last
        if names != last:
            text = '\0'.join(names)
            checked = self.names.get(text) or self._remember(self.names, text, self._names(names))
            self.last = names, checked
        if not checked or 2 * len(values) != len(items):
            return None
        template, names, twice, left_out = checked
        environ = template.copy()
        environ.update(zip(names, values))
        body = data[end + 1:]
        length = str(len(body))
        path, uri, host = environ['DOCUMENT_URI'], environ['REQUEST_URI'], environ.get('HTTP_HOST', '')
        if (values[0] != length or environ['SCGI'] != '1'
                or environ['REQUEST_METHOD'] not in _METHODS or environ['SERVER_PROTOCOL'] not in _PROTOCOLS
                or not (uri.isascii() and uri.isprintable() and environ['SERVER_PORT'])
                or not path  # without it, the other variables depend on the web server (webserver.go)
                or not (host in self.hosts or self._host(host))
                or twice and not (values[twice] in self.hosts or self._host(values[twice]))
                or left_out and environ.get('HTTP_CONTENT_LENGTH', length) != length
                or end - start > self.header_bytes or len(body) > self.body_bytes):
            return None
        for name in left_out:
            del environ[name]
        if not environ['SERVER_NAME']:  # nginx sends an empty one for a server without a server_name
            port = host.rfind(':')
            environ['SERVER_NAME'] = (host[:port] if port >= 0 and ']' not in host[port:] else host) or 'localhost'
        script = environ['SCRIPT_NAME'].rstrip('/')
        info = environ['PATH_INFO']
        if info is None:
            info = path[len(script):]
            if not path.startswith(script) or info[:1] not in ('', '/'):
                return None
        elif info[:1] != '/' and (info or not script):
            info = '/' + info
        environ['SCRIPT_NAME'], environ['PATH_INFO'] = script, info
        return environ, body

    def _names(self, names):
        """Check the names of a request. Return an environ to copy, the names, the index of an HTTP_HOST that is
        repeated, as by Debian's scgi_params, or 0, and those to leave out. The last HTTP_HOST counts."""
        twice = names.index('HTTP_HOST') if names.count('HTTP_HOST') == 2 else 0
        if (names[0] != 'CONTENT_LENGTH' or not _NEEDED.issubset(names) or len(names) > self.headers
                or len(set(names)) != len(names) - bool(twice) or not all(map(self._name, names))):
            return None
        # Applications look up interned names faster. Python 3.12 never frees one, so a client's are not interned.
        names = tuple(name if name[:5] == 'HTTP_' else intern(name) for name in names)
        return {**self.base, **dict.fromkeys(names)}, names, twice, tuple(_LEFT_OUT.intersection(names))

    def _name(self, name):
        if name[:5] == 'HTTP_':
            return len(name) > 5 and _TOKEN.issuperset(name) and name not in self.declined
        return name and _NAME.issuperset(name) and name not in self.declined

    def _host(self, host):
        return self._remember(self.hosts, host, _HOST.issuperset(host))

    def _remember(self, known, text, checked):
        if checked and len(text) < _LONGEST:
            if len(known) >= _MOST:
                known.clear()
            known[text] = checked
        return checked
