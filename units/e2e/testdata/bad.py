"""Everything an application should not do, by path."""
import os
import signal
import sys
import time


def application(environ, start_response):
    what = environ['PATH_INFO']
    if what == '/pid':
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'%d' % os.getpid()]
    if what == '/raise':
        raise RuntimeError('secret detail')
    if what == '/exit':
        sys.exit(3)
    if what == '/die':
        os._exit(7)
    if what == '/kill':
        os.kill(os.getpid(), signal.SIGKILL)
    if what == '/segv':
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == '/hang':
        os.spawnvp(os.P_NOWAIT, 'sleep', ['sleep', '1000'])
        time.sleep(1000)
    if what == '/nothing':
        return []
    if what == '/midway':
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return midway()
    if what == '/short':
        start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '100')])
        return [b'short']
    if what == '/wait':
        open(os.environ.get('STARTED', '/srv/open/started'), 'w').close()
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return wait()
    print('printed, and not in the response')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'good']


def midway():
    yield b'x' * 100000
    raise RuntimeError('secret detail')


class wait:
    """Sends without end; prints a line when it is closed."""

    def __iter__(self):
        while True:
            yield b'x' * 65536

    def close(self):
        open('/srv/open/closed', 'w').close()
