"""A WSGI application by asgiref's adapter, under the check of wsgiref, in the form of ASGI 2."""
from wsgiref.validate import validator

from asgiref.wsgi import WsgiToAsgi


@validator
def hello(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'asgiref here']


wrapped = WsgiToAsgi(hello)


class Application:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        await wrapped(self.scope, receive, send)


app = Application
