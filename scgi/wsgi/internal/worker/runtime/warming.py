"""One request before the first one: what an application imports and builds only then is there, once
for all workers that are forked afterwards."""
import io
import sys


class Nowhere:
    """A connection whose other side is nobody."""

    fd = -1
    over = None

    def send(self, data):
        pass

    def shutdown(self):
        pass


def ask(app, path):
    """Ask app for a path, as a browser on this machine would."""
    from _socketgi.response import Response
    from _socketgi.worker import complete_environ, report
    path, _, query = path.partition('?')
    environ = {
        'REQUEST_METHOD': 'GET', 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query, 'REQUEST_URI': path,
        'SERVER_NAME': 'localhost', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'localhost',
        'REMOTE_ADDR': '127.0.0.1', 'CONTENT_LENGTH': '0', 'REQUEST_SCHEME': 'http'}
    complete_environ(environ, io.BytesIO(), sys.stderr, False)
    response = Response(Nowhere(), 'HEAD', lambda status: None, False)  # a HEAD sends no file
    try:
        response.run(app, environ)
    except BaseException as e:
        print('warming by %s: %s' % (path, report(e)), file=sys.stderr)
        return
    if response.code >= 400:
        print('warming by %s: the application answered %s' % (path, response.status), file=sys.stderr)
