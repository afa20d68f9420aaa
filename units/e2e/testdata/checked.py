"""An application between the two sides that wsgiref.validate checks."""
from wsgiref.validate import validator


def echo(environ, start_response):
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    lines = ['%s=%s' % (k, environ[k]) for k in
             ('REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'HTTP_HOST', 'SERVER_PROTOCOL', 'wsgi.url_scheme')]
    lines.append('body=%d' % len(body))
    start_response('200 OK', [('Content-Type', 'text/plain; charset=latin-1')])
    return ['\n'.join(lines).encode('latin-1')]


application = validator(echo)
