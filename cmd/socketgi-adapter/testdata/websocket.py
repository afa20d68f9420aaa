"""An ASGI application with WebSockets, for the standard library alone."""
import asyncio
import os
import sys

rooms = set()  # type: set


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.complete'})
        return
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200})
        await send({'type': 'http.response.body', 'body': b'http'})
        return
    name, query = scope['path'].strip('/'), scope['query_string'].decode()
    assert await receive() == {'type': 'websocket.connect'}
    await globals()[name](scope, query, receive, send)


async def accept(scope, send):
    offered = scope['subprotocols']
    await send({'type': 'websocket.accept', 'subprotocol': offered[-1] if offered else None, 'headers': [(b'x-pid', b'%d' % os.getpid())]})


async def messages(receive):
    """Yield what arrives, and print how it ends."""
    while True:
        message = await receive()
        if message['type'] == 'websocket.disconnect':
            print('disconnect %(code)s %(reason)s' % message)
            return
        yield message


async def echo(scope, query, receive, send):
    await accept(scope, send)
    async for message in messages(receive):
        await send(dict(message, type='websocket.send'))


async def chat(scope, query, receive, send):
    await accept(scope, send)
    rooms.add(send)
    await send({'type': 'websocket.send', 'text': 'hello %s, %d here' % (query, len(rooms))})
    try:
        async for message in messages(receive):
            for other in rooms:
                await other({'type': 'websocket.send', 'text': '%s: %s' % (query, message['text'])})
    finally:
        rooms.discard(send)


async def close(scope, query, receive, send):
    await accept(scope, send)
    code, _, reason = query.partition(',')
    await send({'type': 'websocket.close', 'code': int(code), 'reason': reason})
    try:
        await send({'type': 'websocket.send', 'text': 'more'})
    except RuntimeError as e:
        print('RuntimeError', e)
    async for _ in messages(receive):
        pass


async def end(scope, query, receive, send):
    await accept(scope, send)


async def fail(scope, query, receive, send):
    await accept(scope, send)
    raise ValueError('on purpose')


async def deny(scope, query, receive, send):
    await send({'type': 'websocket.close'})


async def response(scope, query, receive, send):
    assert scope['extensions'] == {'websocket.http.response': {}}
    await send({'type': 'websocket.http.response.start', 'status': 401, 'headers': [(b'x-why', b'password')]})
    await send({'type': 'websocket.http.response.body', 'body': b'no ', 'more_body': True})
    await send({'type': 'websocket.http.response.body', 'body': b'entry'})


async def nothing(scope, query, receive, send):
    pass


async def early(scope, query, receive, send):
    raise ValueError('too early')


async def wrong(scope, query, receive, send):
    """Send what is wrong, and then the reasons."""
    told = []

    async def attempt(**message):
        try:
            await send(message)
            told.append('no error for %s' % message)
        except Exception as e:
            told.append('%s: %s' % (type(e).__name__, e))
    await attempt(type='websocket.send', text='early')
    await attempt(type='websocket.accept', subprotocol='unknown')
    await attempt(type='websocket.accept', headers=[(b'sec-websocket-protocol', b'x')])
    await attempt(type='websocket.accept', headers=[('x', 'y')])
    await accept(scope, send)
    await attempt(type='websocket.accept')
    await attempt(type='websocket.send')
    await attempt(type='websocket.send', text='a', bytes=b'b')
    await attempt(type='websocket.send', text=b'a')
    await attempt(type='websocket.close', code=1005 + 1)
    await attempt(type='websocket.close', reason='x' * 124)
    await attempt(type='websocket.http.response.start', status=200)
    await send({'type': 'websocket.send', 'text': '\n'.join(told)})


async def left(scope, query, receive, send):
    """Send after the client is gone."""
    await accept(scope, send)
    async for _ in messages(receive):
        pass
    try:
        await send({'type': 'websocket.send', 'text': 'more'})
    except OSError as e:
        print('OSError', e)
        raise


async def big(scope, query, receive, send):
    await accept(scope, send)
    await send({'type': 'websocket.send', 'bytes': b'x' * int(query)})
    await send({'type': 'websocket.close'})


async def stay(scope, query, receive, send):
    """Continue when the client is gone."""
    await accept(scope, send)
    await asyncio.sleep(float(query))
    await send({'type': 'websocket.send', 'text': 'still here'})
    async for _ in messages(receive):
        pass
    await asyncio.sleep(1000)


async def ping(scope, query, receive, send):
    from _socketgi import asgisocket
    asgisocket._PING = float(query)
    await echo(scope, query, receive, send)


async def describe(scope, query, receive, send):
    await accept(scope, send)
    scope['headers'] = [h for h in scope['headers'] if h[0].startswith(b'x-')]
    await send({'type': 'websocket.send', 'text': repr(sorted(scope.items()))})
    sys.stdout.flush()
