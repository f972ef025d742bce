#!/usr/bin/python3
"""`sonde listen --to` with a thousand clients at once, beside one whose reader takes nothing:
all bytes arrive, memory stays small, and nobody waits for the slow one.

    listen_many.py [COUNT [BIG]]    so many clients, 1000; every 100th has BIG bytes, 400000
"""

import asyncio
import re
import resource
import sys

import netns
from talking import Listen, blob
from tap import tap

netns.enter()
COUNT, BIG = (int(word) for word in (sys.argv[1:] + ['1000', '400000'][len(sys.argv) - 1:]))
SMALL = 2000
POOL = blob(BIG + COUNT)
STUCK = b'S'
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory(listen, what):
    with open(f'/proc/{listen.process.pid}/status', encoding='ascii') as status:
        return int(re.search(rf'{what}:\s+(\d+)', status.read())[1])


async def target(reader, writer):
    """Gives all back; who begins with STUCK is not read any more."""
    first = await reader.readexactly(1)
    if first == STUCK:
        await over.wait()
    else:
        writer.write(first)
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    writer.close()


async def fill(port):
    """A client whose reader takes nothing, up to where it has to stop."""
    _, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.transport.set_write_buffer_limits(high=0)
    writer.write(STUCK)
    sent = 1
    while True:
        writer.write(bytes(65536))
        try:
            await asyncio.wait_for(writer.drain(), 0.5)
        except asyncio.TimeoutError:
            return writer, sent
        sent += 65536


async def client(port, number):
    """Whether all of its own bytes come back, and their end."""
    data = POOL[number:number + (BIG if number % 100 == 0 else SMALL)]
    data = b'C' + data[1:]
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(data[:1])
    told = await reader.readexactly(1)
    arrived.append(number)
    if len(arrived) == COUNT:
        all_there.set()
    await all_there.wait()

    async def send():
        writer.write(data[1:])
        await writer.drain()
        writer.write_eof()
    sending = asyncio.ensure_future(send())
    got = told + await reader.read()
    await sending
    writer.close()
    return got == data


async def main():
    server = await asyncio.start_server(target, '127.0.0.1', 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    listen = Listen('-k', '--to', f'127.0.0.1:{port}')
    before = memory(listen, 'VmRSS')
    stuck, sent = await fill(listen.port)
    tap.check('a reader that takes nothing stops its sender', sent < 64 << 20, sent)
    outcome = await asyncio.wait_for(asyncio.gather(
        *[client(listen.port, number) for number in range(COUNT)]), 120)
    tap.equal(f'{COUNT} clients at once beside it: all bytes of each', sum(outcome), COUNT)
    grown = memory(listen, 'VmHWM') - before
    # 2 KiB a client, and the few buffers of who is slow: not one for each of them.
    tap.check('memory stays small', 'asan' in netns.SONDE or grown < 2 * COUNT + 16 * 256 + 4096,
              f'{grown} KiB more')
    over.set()
    stuck.transport.abort()
    tap.equal('in the end it closes in order', listen.end(), 0)
    server.close()


async def run():
    global over, all_there
    over, all_there = asyncio.Event(), asyncio.Event()
    await main()

arrived = []
asyncio.run(run())
tap.done()
