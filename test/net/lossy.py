"""TCP transfers that lose segments after they were captured, and a receiver that stops
reading until its closed window was probed.

    lossy.make()    in a namespace of the test's own; what is on the wire by then is over
"""

import contextlib
import socket
import subprocess
import threading

import netns
from tap import tap

PORT = 9000
LENGTH = 200000
RECEIVE_BUFFER = 1 << 17  # so that the window closes after some hundred segments


def is_probed():
    """The sender waits for a window and has asked again: its timer says for what it waits,
    its count that it asked.  (A retransmission has such a count, too.)"""
    state = subprocess.run(['ss', '-Htnoi', f'dport = :{PORT}'], stdout=subprocess.PIPE,
                           check=True).stdout
    return b'timer:(persist' in state and b'backoff:' in state


def fill(client):
    """A full buffer here says nothing about the window there: after losses few segments
    are under way, and the kernel gives the sender less room.  So it goes on until the probe."""
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(b'x' * 3000)
    return is_probed()


def transfer(listener, is_slow):
    may_read = threading.Event()

    def read():
        connection, _ = listener.accept()
        with connection:
            may_read.wait()
            while connection.recv(65536):
                connection.send(b'ok' * 10)

    reader = threading.Thread(target=read)
    reader.start()
    with socket.create_connection(('127.0.0.1', PORT)) as client:
        try:
            if is_slow:
                client.setblocking(False)
                netns.wait_until('a probe', lambda: fill(client), 60)
                client.setblocking(True)
        finally:
            may_read.set()
        for _ in range(0 if is_slow else LENGTH // 3000):
            client.sendall(b'x' * 3000)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    reader.join()


def make():
    rules = 'add table inet t; add chain inet t in { type filter hook input priority 0; };'
    for port in ('dport', 'sport'):
        rules += f'add rule inet t in tcp {port} {PORT} numgen random mod 25 == 0 drop;'
    tap.equal('nft takes the rules', netns.run(['nft', rules]).returncode, 0)
    with socket.create_server(('127.0.0.1', PORT)) as listener:
        for is_slow in (False, False, True):
            if is_slow:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            transfer(listener, is_slow)
    netns.run(['nft', 'delete table inet t'])
