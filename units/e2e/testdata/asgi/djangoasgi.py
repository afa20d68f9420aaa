"""The application of the tests of WSGI, by Django's other handler."""
import asyncio
import os

import django
import djangoapp
from django.core.asgi import get_asgi_application
from django.http import StreamingHttpResponse
from django.urls import path


async def stream(request):
    async def chunks():
        yield 'first\n'
        while not os.path.exists('/srv/gate'):
            await asyncio.sleep(0.01)
        yield 'second\n'
    return StreamingHttpResponse(chunks(), content_type='text/plain', headers={'X-Accel-Buffering': 'no'})

if django.VERSION >= (4, 2):  # which collects the parts of the other one before it sends the first
    djangoapp.urlpatterns.insert(0, path('stream', stream))
application = get_asgi_application()
