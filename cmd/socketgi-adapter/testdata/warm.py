"""An application that says who it is, and does what a warm worker has to survive."""
import atexit
import os
import random
import signal
import sys

loaded = os.getpid()
count = 0
hold = []
atexit.register(lambda: print('atexit in %d' % os.getpid(), file=sys.stderr))


def application(environ, start_response):
    global count
    count += 1
    path = environ['PATH_INFO']
    if path == '/die':
        os.kill(os.getpid(), signal.SIGKILL)
    elif path == '/raise':
        raise RuntimeError('on purpose')
    elif path == '/exit':
        sys.exit(3)
    elif path == '/hang':
        signal.pause()
    elif path == '/wait':
        open(environ['QUERY_STRING']).read()
    elif path == '/grow':
        hold.append(bytearray(os.urandom(1)) * (128 << 20))
    start_response('200 OK', [('Content-Type', 'text/plain')])
    said = '%d %d %d %s %s' % (os.getpid(), loaded, count, random.random(), environ['wsgi.run_once'])
    if path == '/echo':
        said += ' ' + environ['QUERY_STRING']
    return [said.encode()]
