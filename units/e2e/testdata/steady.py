"""What is asked all the time while something goes wrong: it prints, and has a file."""
import os
import signal
import sys

count = 0


def application(environ, start_response):
    global count
    count += 1
    print('asked', file=sys.stderr)
    if environ['PATH_INFO'] == '/grow':
        hold = [b'x' * (16 << 20) for _ in range(40)]
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel has done by now where it limits memory
    name = '%s/%d-%d' % (os.environ['STATE_DIRECTORY'], os.getpid(), count)
    try:
        with open(name, 'w') as f:
            f.write('x' * 8192)
    finally:
        os.remove(name)
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '4')])
    return [b'good']
