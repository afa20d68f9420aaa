"""An ASGI application that says in which process it runs, and waits for files."""
import asyncio
import atexit
import os
import time

atexit.register(lambda: print('atexit in %d' % os.getpid()))
state = {'started': 0, 'at': 0, 'most': 0}


async def lifespan(scope, receive, send):
    assert (await receive())['type'] == 'lifespan.startup'
    state['started'] += 1
    scope['state']['pid'] = os.getpid()
    print('startup in %d' % os.getpid())
    await send({'type': 'lifespan.startup.complete'})
    assert (await receive())['type'] == 'lifespan.shutdown'
    print('shutdown in %d' % os.getpid())
    await send({'type': 'lifespan.shutdown.complete'})


async def exists(path):
    while not os.path.exists(path):
        await asyncio.sleep(0.005)


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        return await lifespan(scope, receive, send)
    path, query = scope['path'], scope['query_string'].decode()
    state['at'] += 1
    state['most'] = max(state['most'], state['at'])
    try:
        if path == '/wait':
            await exists(query)
        elif path == '/stubborn':
            while True:
                try:
                    await exists(query)
                    break
                except asyncio.CancelledError:
                    print('not cancelled')
        elif path == '/block':
            while not os.path.exists(query):
                time.sleep(0.005)
        elif path == '/raise':
            raise RuntimeError('on purpose')
        elif path == '/exit':
            raise SystemExit(3)
        elif path == '/die':
            os._exit(3)
        elif path == '/fork':
            if os.fork() == 0:
                return None
            os.wait()
        elif path == '/print':
            print('before', query)
            await asyncio.sleep(0)
            print('after', query)
    finally:
        state['at'] -= 1
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
    body = b'%d %d %d %s' % (os.getpid(), scope['state']['pid'], state['most'], query.encode())
    await send({'type': 'http.response.body', 'body': body, 'more_body': path == '/after'})
    if path == '/after':
        await exists(query)
        await send({'type': 'http.response.body', 'body': b' end'})
