import asyncio
import hashlib
import os

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route


async def index(request):
    return PlainTextResponse('Starlette here')


async def upload(request):
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return PlainTextResponse('%d %s' % (size, digest.hexdigest()))


async def stream(request):
    async def chunks():
        yield 'first\n'
        while not os.path.exists('/srv/gate'):
            await asyncio.sleep(0.01)
        yield 'second\n'
    return StreamingResponse(chunks(), media_type='text/plain', headers={'X-Accel-Buffering': 'no'})


def cookie(request):  # in a thread: it is no coroutine function
    response = PlainTextResponse('had %s' % request.cookies.get('seen', 'none'))
    response.set_cookie('seen', 'yes')
    return response


async def away(request):
    return RedirectResponse(request.url_for('index'), 302)


async def cafe(request):
    return PlainTextResponse('caf\u00e9 ' + request.path_params['name'])


async def big_header(request):
    return PlainTextResponse('big', headers={'X-Big': 'x' * 20000})


async def missing(request):
    raise HTTPException(404)


async def broken(request):
    raise RuntimeError('secret detail')


app = Starlette(routes=[
    Route('/', index), Route('/upload', upload, methods=['POST']), Route('/stream', stream), Route('/cookie', cookie),
    Route('/away', away), Route('/caf\u00e9/{name}', cafe), Route('/big-header', big_header), Route('/missing', missing),
    Route('/broken', broken)])
