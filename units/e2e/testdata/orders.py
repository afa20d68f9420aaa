"""Notes each request in the order of arrival, once it has begun; those for /slow wait while the machine holds them."""
import os
import time

STATE = os.environ['STATE_DIRECTORY']


def application(environ, start):
    name = environ['QUERY_STRING']
    log = os.open(STATE + '/requests', os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, ('%s %s\n' % (environ['REQUEST_METHOD'], name)).encode())
    os.close(log)
    while environ['PATH_INFO'] == '/slow' and os.path.exists(STATE + '/hold'):
        time.sleep(0.01)
    start('200 OK', [('Content-Type', 'text/plain')])
    return [name.encode()]
