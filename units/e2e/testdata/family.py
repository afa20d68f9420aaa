"""An application of Flask, beside it what a framework doesn't do, and what reached it of a request."""
import json
import time

from flaskapp import app as flask


def seen(environ, start_response):
    body = environ['wsgi.input'].read()
    told = {k: v for k, v in environ.items() if isinstance(v, str)}
    told['body'] = str(len(body))
    start_response('200 OK', [('Content-Type', 'application/json')])
    return [json.dumps(told).encode()]


def cut(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    yield b'x' * 20000
    time.sleep(0.1)
    raise RuntimeError('in the middle')


def head(environ, start_response):
    start_response('200 OK', [('X-Part-%d' % i, 'y' * 4000) for i in range(4)])
    return [b'']


def part(environ, start_response):
    data = b'0123456789'
    if environ.get('HTTP_RANGE') != 'bytes=2-4':
        start_response('200 OK', [('Content-Length', '10'), ('Accept-Ranges', 'bytes')])
        return [data]
    start_response('206 Partial Content', [('Content-Range', 'bytes 2-4/10'), ('Content-Length', '3')])
    return [data[2:5]]


def endless(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('X-Accel-Buffering', 'no')])
    while True:
        yield b'more\n' * 1000
        time.sleep(0.01)


own = {'/seen': seen, '/cut': cut, '/head': head, '/part': part, '/endless': endless}


def application(environ, start_response):
    path = environ['PATH_INFO']
    name = '/seen' if path.startswith('/seen') else path
    return own.get(name, flask)(environ, start_response)
