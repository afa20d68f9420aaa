"""An ASGI application that does what it should not."""
import asyncio
import os
import resource
import time

BIG = b'x' * (4 << 20)  # more than a socket holds
EAGER = getattr(asyncio, 'eager_task_factory', None)
late = []


async def exists(path):
    while not os.path.exists(path):
        await asyncio.sleep(0.005)


async def lifespan(receive, send):
    await receive()
    await send({'type': 'lifespan.startup.complete'})
    await receive()
    await send({'type': 'lifespan.shutdown.complete'})


def body(data, more=False):
    return {'type': 'http.response.body', 'body': data, 'more_body': more}


async def fill(path):
    """Use up all descriptors until there is such a file."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    held = []
    try:
        while True:
            held.append(os.open('/dev/null', os.O_RDONLY))
    except OSError:
        print('used up')
        await exists(path)
    for fd in held:
        os.close(fd)


async def cancel(send, path):
    """Cancel a send that has sent a part, and send on."""
    task = asyncio.ensure_future(send(body(BIG, True)))
    await exists(path)
    task.cancel()
    await asyncio.wait([task])
    try:
        await send(body(b'end'))
    finally:
        print('sent on')


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        return await lifespan(receive, send)
    path, query = scope['path'], scope['query_string'].decode()
    if path == '/close':
        os.close(send.__self__.connection.fd)
    elif path == '/deaf':
        selector = getattr(asyncio.get_running_loop(), '_selector', None)
        if not selector:
            await send({'type': 'http.response.start', 'status': 204})
            return await send(body(b''))
        for fd in map(int, os.listdir('/proc/self/fd')):
            link = '/proc/self/fd/%d' % fd
            if fd != selector.fileno() and os.path.islink(link) and 'eventpoll' in os.readlink(link):
                os.close(fd)
    elif path == '/fill':
        await fill(query)
    elif path == '/eager' and EAGER:
        asyncio.get_running_loop().set_task_factory(EAGER)
    if path in ('/close', '/wait'):
        print('at ' + path)
        await exists(query)
    await send({'type': 'http.response.start', 'status': 200})
    if path == '/late':
        late.append(asyncio.ensure_future(send(body(BIG, True))))
        return await asyncio.sleep(0)
    if path == '/cancel':
        return await cancel(send, query)
    if path == '/raise':  # when the head is about to go out by itself
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        await asyncio.sleep(0.02)
        raise RuntimeError('on purpose')
    await send(body(BIG if path == '/big' else b'%d %s' % (os.getpid(), b'eager' if EAGER else b'')))
