"""Tells what reached it of a request; below /_app it says who may pass."""
import json


def application(environ, start_response):
    script = environ['SCRIPT_NAME']
    if script == '/_app':
        allowed = environ.get('HTTP_X_KEY') == 'right' and environ['wsgi.input'].read() == b'' and environ['CONTENT_LENGTH'] == '0'
        start_response('204 No Content' if allowed else '401 Unauthorized', [])
        return []
    if environ['PATH_INFO'] == '/page':
        start_response('200 OK', [('Content-Type', 'text/html')])
        return [b'<!--#include virtual="/_parts/of?a=page" -->']
    start_response('200 OK', [('Content-Type', 'text/html')])
    told = {k: environ.get(k) for k in ('SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'CONTENT_LENGTH')}
    told['body'] = len(environ['wsgi.input'].read())
    return [json.dumps(told).encode()]
