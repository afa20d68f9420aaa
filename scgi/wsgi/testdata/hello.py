"""The application object of PEP 3333."""
HELLO_WORLD = b"Hello world!\n"


def application(environ, start_response):
    start_response('200 OK', [('Content-type', 'text/plain')])
    return [HELLO_WORLD]
