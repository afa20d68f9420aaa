"""What BenchmarkASGI asks for: a short text, JSON of 10 KB that is made for each request, and a wait."""
import asyncio
import json

ROWS = [{'id': n, 'name': 'row %d' % n, 'tags': ['one', 'two', 'three'], 'price': n / 4} for n in range(130)]


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        while True:
            message = await receive()
            await send({'type': message['type'] + '.complete'})
            if message['type'] == 'lifespan.shutdown':
                return
    kind = b'text/plain'
    if scope['path'].endswith('/json'):
        body, kind = json.dumps(ROWS).encode(), b'application/json'
    else:
        if scope['path'].endswith('/sleep'):
            await asyncio.sleep(0.05)
        body = b'Hello world!\n'
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', kind), (b'content-length', str(len(body)).encode())]})
    await send({'type': 'http.response.body', 'body': body})
