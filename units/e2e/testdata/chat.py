"""A chat over WebSockets and a clock over server-sent events, for the standard library alone: an ASGI application.

/ is a page with both, chat?NAME the WebSocket, events?N a stream of N events.
"""
import asyncio
import os
import time

rooms = {}  # type: dict  # names, by what sends to them
PAGE = b"""<!doctype html><title>chat</title><form><input name=text></form><ul></ul><p></p><script>
const name = location.search.slice(1) || 'guest'
const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/\\/[^/]*$/, '/chat?' + name))
socket.onmessage = e => document.querySelector('ul').innerHTML += '<li>' + e.data
socket.onclose = e => document.title = 'closed ' + e.code
document.forms[0].onsubmit = e => { socket.send(e.target.text.value); e.target.reset(); return false }
new EventSource('events?3').onmessage = function (e) { document.querySelector('p').textContent += e.data + ' '; if (e.data == '2') this.close() }
</script>"""


async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.complete'})
    elif scope['type'] == 'websocket':
        await chat(scope['query_string'].decode(), receive, send)
    elif scope['path'].endswith('/events'):
        await events(int(scope['query_string'] or 1), send)
    else:
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/html')]})
        await send({'type': 'http.response.body', 'body': PAGE})


async def chat(name, receive, send):
    await receive()
    await send({'type': 'websocket.accept', 'headers': [(b'x-pid', b'%d' % os.getpid())]})
    rooms[send] = name
    await tell('%s enters, %d here' % (name, len(rooms)))
    while True:
        message = await receive()
        if message['type'] == 'websocket.disconnect':
            break
        if message.get('text') is None:
            await send({'type': 'websocket.send', 'bytes': message['bytes']})
        elif message['text'].startswith('/close '):
            await send({'type': 'websocket.close', 'code': int(message['text'][7:]), 'reason': 'as asked'})
        else:
            await tell('%s: %s' % (name, message['text']))
    del rooms[send]
    print('%s leaves with %d' % (name, message['code']), flush=True)
    await tell('%s leaves' % name)


async def tell(text):
    for send in list(rooms):
        try:
            await send({'type': 'websocket.send', 'text': text})
        except OSError:
            pass  # this one is about to leave


async def events(count, send):
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/event-stream')]})
    for i in range(count):
        await send({'type': 'http.response.body', 'body': b'id: %d\ndata: %d\n\n' % (time.time() * 1000, i), 'more_body': True})
        await asyncio.sleep(0.3)
    await send({'type': 'http.response.body', 'body': b''})
