"""An application that says what it was asked, and by which processes it is served."""
import os
import time

parent = os.getpid()


def children(pid):
    found = []
    for task in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/children' % (pid, task)) as f:
            found += f.read().split()
    return found


def application(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        time.sleep(0.005)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    if environ['PATH_INFO'] == '/workers':
        return [' '.join(children(parent)).encode()]
    return [('%d %d asked %s\n' % (parent, os.getpid(), environ['QUERY_STRING'])).encode()]
