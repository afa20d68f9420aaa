"""A request before the first one of a client: applications import and build more in their first
request, and the workers that are forked after it share that."""
import io
import sys


class Nowhere:
    """A connection that discards the response."""

    fd = -1
    over = None

    def send(self, data):
        pass

    def shutdown(self):
        pass


class NowhereStream(Nowhere):
    """The same on a loop."""

    def __init__(self):
        import asyncio
        self.connection = self
        self.loop = asyncio.get_running_loop()
        self.gone = asyncio.Event()

    async def write(self, data):
        pass

    def watch(self):
        pass

    def left(self):
        return False

    end = watch


async def _answer(app, job):
    from _socketgi import asgihttp
    return await asgihttp.answer(app, NowhereStream(), job, {}, lambda status: None)


def _ask_asgi(app, environ):
    """On a loop of this process, and without a lifespan, which an application may allow once only."""
    from _socketgi import asgi
    from _socketgi.job import Job
    server = asgi.Server(app)
    try:
        return server.run(_answer(app, Job(0, environ, io.BytesIO(), b'', Nowhere())))
    finally:
        server.close()


def ask(app, path):
    """Request a path from app, as a browser on this machine would."""
    from _socketgi.response import Response
    from _socketgi.application import Asgi
    from _socketgi.worker import complete_environ, report
    path, _, query = path.partition('?')
    environ = {
        'REQUEST_METHOD': 'GET', 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query, 'REQUEST_URI': path,
        'SERVER_NAME': 'localhost', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'localhost',
        'REMOTE_ADDR': '127.0.0.1', 'CONTENT_LENGTH': '0', 'REQUEST_SCHEME': 'http'}
    if type(app) is Asgi:
        response, problem = _ask_asgi(app.app, environ)
        if problem:
            print('warm-up request for %s: %s' % (path, problem[1]), file=sys.stderr)
            return
    else:
        complete_environ(environ, io.BytesIO(), sys.stderr, False)
        response = Response(Nowhere(), 'HEAD', lambda status: None, False)  # a HEAD sends no file
        try:
            response.run(app, environ)
        except BaseException as e:
            print('warm-up request for %s: %s' % (path, report(e)), file=sys.stderr)
            return
    if response.code >= 400:
        print('warm-up request for %s: the application responded with %s' % (path, response.status), file=sys.stderr)
