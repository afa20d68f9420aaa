#!/usr/bin/env python3
import sys

def simple_app(environ, start_response):
    environ['wsgi.errors'].write('to the log\n')
    start_response('200 OK', [('Content-type', 'text/plain')])
    return [('script %s' % __name__).encode()]

if __name__ == '__main__':
    import inetd_scgi
    try:
        inetd_scgi.run_app(simple_app, stderr=sys.stderr)
    except inetd_scgi.ProtocolError:
        pass
    print('after run_app')
