import asyncio
import hashlib
import os
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel


@asynccontextmanager
async def lifespan(app):
    app.state.started = os.getpid()
    yield

app = FastAPI()
app.router.lifespan_context = lifespan  # FastAPI(lifespan=...), which Debian 12 doesn't have


class Item(BaseModel):
    name: str
    price: float


@app.get('/', response_class=PlainTextResponse)
async def index():
    return 'FastAPI here'


@app.head('/')
async def head():
    return Response(headers={'Content-Length': '12'})


@app.post('/upload', response_class=PlainTextResponse)
async def upload(request: Request):
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return '%d %s' % (size, digest.hexdigest())


@app.get('/stream')
async def stream():
    async def chunks():
        yield 'first\n'
        while not os.path.exists('/srv/gate'):
            await asyncio.sleep(0.01)
        yield 'second\n'
    return StreamingResponse(chunks(), media_type='text/plain', headers={'X-Accel-Buffering': 'no'})


@app.get('/cookie', response_class=PlainTextResponse)
def cookie(request: Request, response: Response):  # in a thread: it is no coroutine function
    response.set_cookie('seen', 'yes')
    return 'had %s' % request.cookies.get('seen', 'none')


@app.get('/away')
async def away(request: Request):
    return RedirectResponse(request.url_for('index'), 302)


@app.get('/caf\u00e9/{name}', response_class=PlainTextResponse)
async def cafe(name: str):
    return 'caf\u00e9 ' + name


@app.get('/big-header')
async def big_header():
    return Response('big', headers={'X-Big': 'x' * 20000})


@app.get('/missing')
async def missing():
    raise HTTPException(404)


@app.get('/broken')
async def broken():
    raise RuntimeError('secret detail')


@app.post('/item')
async def item(item: Item):
    return {'name': item.name, 'double': 2 * item.price, 'pid': os.getpid(), 'started': app.state.started}


@app.get('/background')
async def background(name: str, tasks: BackgroundTasks):
    async def later():
        while not os.path.exists('/srv/open/gate-' + name):
            await asyncio.sleep(0.01)
        with open('/srv/open/done-' + name, 'w'):
            pass
    tasks.add_task(later)
    return 'answered'
