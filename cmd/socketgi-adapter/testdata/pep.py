"""Applications for the tests of PEP 3333, one for each path."""
import atexit
import io
import json
import os
import subprocess
import sys
import threading
from urllib.parse import parse_qs

TEXT = [('Content-Type', 'text/plain')]


def application(environ, start_response):
    name = environ['PATH_INFO'].strip('/').replace('-', '_')
    return globals()['do_' + name](environ, start_response)


def arg(environ, name):
    return parse_qs(environ['QUERY_STRING'])[name][0]


def do_environ(environ, start_response):
    assert type(environ) is dict
    start_response('200 OK', [('Content-Type', 'application/json')])
    shown = {k: v if isinstance(v, (str, bool, int, tuple)) else type(v).__name__ for k, v in environ.items()}
    shown['os.environ'] = dict(os.environ)
    shown['argv'] = sys.argv
    shown['name'] = __name__
    shown['modules'] = sorted(sys.modules)
    return [json.dumps(shown).encode()]


def do_input(environ, start_response):
    f = environ['wsgi.input']
    seen = [f.read(2), f.readline(), f.readline(3), next(iter(f)), f.readlines(), f.read(), f.read(5), f.readline(), list(f)]
    start_response('200 OK', TEXT)
    return [repr(seen).encode()]


def do_sum(environ, start_response):
    n = 0
    while True:
        part = environ['wsgi.input'].read(1 << 20)
        if not part:
            break
        n += len(part)
    start_response('200 OK', TEXT)
    return [b'%d' % n]


def do_flood(environ, start_response):
    n, part = int(arg(environ, 'n')), b'x' * (1 << 20)
    start_response('200 OK', TEXT)
    return (part for _ in range(n >> 20))


def do_write(environ, start_response):
    write = start_response('200 OK', TEXT)
    write(b'written, ')
    write(b'')
    write(b'twice, ')
    return [b'and ', b'returned']


def do_lazy(environ, start_response):
    yield b''
    start_response('201 Created', TEXT)
    yield b''
    yield b'lazy'


def do_empty(environ, start_response):
    start_response('200 OK', TEXT)
    return []


def do_replaced(environ, start_response):
    start_response('200 OK', TEXT)
    try:
        raise ValueError('replaced')
    except ValueError:
        start_response('500 Oops', [('X-Error', 'page')], sys.exc_info())
    return [b'error page']


def do_too_late(environ, start_response):
    start_response('200 OK', TEXT)
    yield b'x'
    try:
        raise ValueError('too late')
    except ValueError:
        start_response('500 Oops', TEXT, sys.exc_info())
    yield b'never'


def do_twice(environ, start_response):
    start_response('200 OK', TEXT)
    start_response('200 OK', TEXT)
    return [b'']


def do_not_started(environ, start_response):
    return [b'x']


def do_none(environ, start_response):
    start_response('200 OK', TEXT)


def do_text(environ, start_response):
    start_response('200 OK', TEXT)
    return ['text']


class Closing:
    def __init__(self, path, chunks):
        self.path, self.chunks = path, chunks

    def __iter__(self):
        for c in self.chunks:
            if isinstance(c, Exception):
                raise c
            yield c

    def close(self):
        with open(self.path, 'a') as f:
            f.write('closed\n')


def do_close(environ, start_response):
    start_response('200 OK', TEXT)
    return Closing(arg(environ, 'marker'), [b'fine'])


def do_close_raise(environ, start_response):
    start_response('200 OK', TEXT)
    return Closing(arg(environ, 'marker'), [b'x', RuntimeError('midway')])


def do_close_fails(environ, start_response):
    start_response('200 OK', TEXT)
    result = Closing('/nonexistent/marker', [b'fine'])
    return result


def do_file(environ, start_response):
    f = open(arg(environ, 'path'), arg(environ, 'mode'), int(arg(environ, 'buffering')))
    f.seek(int(arg(environ, 'seek')))
    start_response('200 OK', TEXT)
    return environ['wsgi.file_wrapper'](f, 4096)


def do_file_length(environ, start_response):
    start_response('200 OK', TEXT + [('Content-Length', '5')])
    return environ['wsgi.file_wrapper'](open(arg(environ, 'path'), 'rb'))


def do_filelike(environ, start_response):
    class Gzip(io.BufferedReader):
        """Has a descriptor, but what it reads is not what is in the file."""

        def read(self, n=-1):
            return super().read(n).upper()
    start_response('200 OK', TEXT)
    return environ['wsgi.file_wrapper'](Gzip(io.FileIO(arg(environ, 'path'))))


def do_proc(environ, start_response):
    start_response('200 OK', TEXT)
    return environ['wsgi.file_wrapper'](open('/proc/self/comm', 'rb'))


class Word(str):
    """A str whose methods lie."""

    def __str__(self):
        return 'a\r\nInjected: b'

    __repr__ = __format__ = __str__

    def isascii(self):
        return True

    isprintable = isascii

    def lower(self):
        return 'x-other'

    def __iter__(self):
        return iter('x')


def do_header(environ, start_response):
    start_response(eval(arg(environ, 'status')), eval(arg(environ, 'headers')))
    return [b'sent']


def do_long(environ, start_response):
    start_response('200 OK', TEXT + [('Content-Length', '4')])
    return [b'lo', b'nger']


def do_status(environ, start_response):
    start_response(arg(environ, 'status'), [])
    return [b'body']


def do_print(environ, start_response):
    print('printed')
    subprocess.check_call(['echo', 'echoed'])
    environ['wsgi.errors'].write('error stream\n')
    start_response('200 OK', TEXT)
    return [b'response']


def do_ending(environ, start_response):
    """Everything that may go on after the response."""
    global unflushed
    marker = arg(environ, 'marker')

    def say(what):
        with open(marker, 'a') as f:
            f.write(what + '\n')
    atexit.register(say, 'atexit')
    unflushed = open(marker + '.unflushed', 'w')
    unflushed.write('flushed')

    def thread():
        threading.main_thread()
        say('thread')
    threading.Thread(target=thread).start()
    start_response('200 OK', TEXT)
    return [b'ok']


def do_gc(environ, start_response):
    import gc
    start_response('200 OK', TEXT)
    return [b'%d' % gc.isenabled()]


def make(text):
    def app(environ, start_response):
        start_response('200 OK', TEXT)
        return [text.encode()]
    return app


def create():
    return make('factory')


class namespace:
    inner = staticmethod(make('attribute'))


number = 42
