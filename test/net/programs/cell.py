"""One side of a cell of the matrix (trace_matrix.py), in Python; cell.c is the same, and tells
the arguments.  Here WAIT may be settimeout, too.

    cell.py ROLE PROTO FAMILY MODE WAIT ORDER
"""
import select
import socket
import struct
import sys

from barrier import (about_to_retry, about_to_wait, reached, until_closed, until_long_past,
                     until_readable, until_reached, until_waiting)

VAIN, LIMIT = 0.06, 20.0
ROLE, PROTO, FAMILY, MODE, WAIT, ORDER = sys.argv[1:]
IS_UDP = PROTO != 'tcp'
MAY_BLOCK = MODE == 'blocking'
IS_READY = ORDER == 'ready'
WAITS_APART = WAIT in ('poll', 'select', 'epoll')
SERVER = ('::1' if FAMILY == '6' else '127.0.0.1', 50000)


def set_timeout(sock, seconds):
    if WAIT == 'settimeout':
        sock.settimeout(seconds)
    elif WAIT == 'rcvtimeo':
        limit = struct.pack('ll', int(seconds), int(seconds * 1e6) % 1000000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def set_mode(sock):
    set_timeout(sock, LIMIT)
    if not MAY_BLOCK:
        sock.setblocking(False)


def wait_until_ready(sock, is_out=False, seconds=LIMIT):
    """Whether it became so."""
    if WAIT == 'poll':
        waiter = select.poll()
        waiter.register(sock, select.POLLOUT if is_out else select.POLLIN)
        ready = waiter.poll(seconds * 1000)                        # wait
    elif WAIT == 'select':
        sets = [[], [sock]] if is_out else [[sock], []]
        ready = sum(select.select(*sets, [], seconds), [])         # wait
    else:
        waiter = select.epoll()
        waiter.register(sock, select.EPOLLOUT if is_out else select.EPOLLIN)
        ready = waiter.poll(seconds)                               # wait
        waiter.close()
    return bool(ready)


def before(sock, name):
    """A call that may wait."""
    if not MAY_BLOCK:
        return
    if not IS_READY:
        about_to_wait(name)
    if WAITS_APART:
        wait_until_ready(sock)


def after(sock, name):
    """A call that would have had to wait."""
    if WAITS_APART:
        about_to_wait(name)
        wait_until_ready(sock)
    else:
        about_to_retry(name)
        until_long_past()


def receive(sock, name):
    before(sock, name)
    while True:
        try:
            return sock.recvfrom(1024)                             # receive
        except BlockingIOError:
            after(sock, name)


def wait_in_vain(sock):
    """A wait that ends by its timeout."""
    if WAITS_APART:
        assert not wait_until_ready(sock, seconds=VAIN)
        return
    set_timeout(sock, VAIN)
    try:
        sock.recv(1)                                               # vain
        raise AssertionError('not in vain')
    except (TimeoutError, BlockingIOError):
        pass
    set_timeout(sock, LIMIT)


def connect(sock):
    while True:
        try:
            sock.connect(SERVER)                                   # connect
            return
        except BlockingIOError:
            # The answer comes within the call on this way: nothing could wait for it.
            until_long_past()
        if WAITS_APART:
            wait_until_ready(sock, is_out=True)
            assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return


def accept(sock):
    before(sock, 'accept')
    while True:
        try:
            conn, _ = sock.accept()                                # accept
            break
        except BlockingIOError:
            after(sock, 'accept')
    set_mode(conn)
    return conn


def ask(sock):
    if IS_READY:
        until_reached('listening')
    else:
        until_waiting('request' if IS_UDP else 'accept')
    if PROTO != 'udp':
        connect(sock)
    if IS_READY:
        reached('connected')
    else:
        until_waiting('request')
    if PROTO == 'udp':
        sock.sendto(b'eighteen bytes ok!', SERVER)                 # send
    else:
        sock.send(b'eighteen bytes ok!')                           # send
    if ORDER == 'expires':
        wait_in_vain(sock)
    if IS_READY:
        until_readable(sock, 8)
    answer, _ = receive(sock, 'answer')
    if not IS_UDP and not IS_READY:
        until_waiting('end')
    sock.close()                                                   # close
    until_reached('done')  # with this program the trace ends
    print(answer.decode())


def reply(sock):
    if IS_READY:
        until_readable(sock, 18)
    request, client = receive(sock, 'request')
    if not IS_READY:
        until_waiting('answer')
    if IS_UDP:
        sock.sendto(request.upper()[:8], client)                   # reply
    else:
        sock.send(request.upper()[:8])                             # reply


def serve(sock):
    sock.bind(SERVER)
    if not IS_UDP:
        sock.listen(5)
    if IS_READY:
        reached('listening')
    if IS_UDP:
        reply(sock)
        reached('done')
        return
    if IS_READY:
        until_reached('connected')
    conn = accept(sock)
    reply(conn)
    if IS_READY:
        until_closed(conn)
    assert receive(conn, 'end')[0] == b''
    conn.close()                                                   # close
    reached('done')


SOCK = socket.socket(socket.AF_INET6 if FAMILY == '6' else socket.AF_INET,
                     socket.SOCK_DGRAM if IS_UDP else socket.SOCK_STREAM)
SOCK.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
set_mode(SOCK)
(ask if ROLE == 'client' else serve)(SOCK)
