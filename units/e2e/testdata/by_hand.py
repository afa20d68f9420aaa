"""The way of 2011, to compare with: a module that a plain script imports to read
one SCGI request from standard input and answer on standard output (PEP 3333's CGI
example is the model)."""
import io
import os
import sys


def run_app(app):
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    size = b''
    while True:
        c = stdin.read(1)
        if c == b':':
            break
        size += c
    block = stdin.read(int(size)).decode('latin-1')
    if stdin.read(1) != b',':
        raise ValueError('malformed netstring')
    parts = block.split('\0')
    environ = dict(zip(parts[:-1:2], parts[1::2]))
    environ.setdefault('SCRIPT_NAME', '')
    environ.setdefault('PATH_INFO', '/')
    environ['wsgi.version'] = (1, 0)
    environ['wsgi.url_scheme'] = 'http'
    environ['wsgi.input'] = io.BytesIO(stdin.read(int(environ['CONTENT_LENGTH'])))
    environ['wsgi.errors'] = sys.stderr
    environ['wsgi.multithread'] = False
    environ['wsgi.multiprocess'] = True
    environ['wsgi.run_once'] = True
    head = []

    def write(data):
        if head:
            status, headers = head.pop()
            lines = ['Status: %s' % status] + ['%s: %s' % h for h in headers]
            stdout.write(('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))
        stdout.write(data)
        stdout.flush()

    def start_response(status, headers, exc_info=None):
        head[:] = [(status, headers)]
        return write

    result = app(environ, start_response)
    try:
        for data in result:
            if data:
                write(data)
        if head:
            write(b'')
    finally:
        if hasattr(result, 'close'):
            result.close()
