#!/usr/bin/python3
"""A random program with sockets: anything.py SEED.

The seed decides on a few conversations, who holds them (threads or processes), with which
calls, in which pieces, and how they end; never on their success: what one side sends the other
reads, turn by turn, so that no program waits for ever.  truth.py tells afterwards what
each call did.
"""

import errno
import os
import random
import select
import selectors
import socket
import struct
import sys
import tempfile
import threading
import time

import truth
from messages import WAIT_FOR_ONE, Messages, checked, libc

LIMIT_SECONDS = 10
ADDRESS = {socket.AF_INET: '127.0.0.1', socket.AF_INET6: '::1'}


def pause(rng):
    """Often none; else long enough to let the other side wait, or be early."""
    if rng.random() < 0.35:
        time.sleep(rng.choice([0.0005, 0.002, 0.005, 0.015]))


# --- waiting

def wait_for(rng, wanted, how=None):
    """Waits until one of the ends is ready; wanted: {end: 'in'|'out'}."""
    how = how or rng.choice(['select', 'poll', 'epoll', 'selectors'])
    masks = {end: select.POLLIN if word == 'in' else select.POLLOUT
             for end, word in wanted.items()}
    by_fd = {end.sock.fileno(): end for end in wanted}
    watched = [[end.name, word, end.received, end.kind] for end, word in wanted.items()]
    if how == 'select':
        readers = [end.sock for end, word in wanted.items() if word == 'in']
        writers = [end.sock for end, word in wanted.items() if word == 'out']
        with truth.call('wait', watched=watched) as call:
            ready = select.select(readers, writers, [], LIMIT_SECONDS)
            found = [each.fileno() for each in ready[0] + ready[1]]
    elif how == 'selectors':
        with selectors.DefaultSelector() as waiter:
            for end, mask in masks.items():
                waiter.register(end.sock, selectors.EVENT_READ if mask == select.POLLIN
                                else selectors.EVENT_WRITE)
            with truth.call('wait', watched=watched) as call:
                ready = waiter.select(LIMIT_SECONDS)
                found = [key.fd for key, _ in ready]
    else:
        waiter = select.poll() if how == 'poll' else select.epoll()
        for end, mask in masks.items():
            waiter.register(end.sock, mask)
        limit = LIMIT_SECONDS * (1000 if how == 'poll' else 1)
        with truth.call('wait', watched=watched) as call:
            ready = waiter.poll(limit)
            found = [fd for fd, _ in ready]
        if how == 'epoll':
            waiter.close()
    call.record['ready'] = [by_fd[fd].name for fd in found]
    if not found:
        raise TimeoutError('nothing became ready')
    return [by_fd[fd] for fd in found]


def set_mode(rng, end, mode):
    end.mode = mode
    end.sock.settimeout({'blocking': None, 'timeout': LIMIT_SECONDS, 'nonblocking': 0}[mode])


# --- sending

def send_once(rng, end, data):
    """One call; how many bytes it took."""
    how = rng.choice(['send', 'send', 'sendmsg', 'write', 'writev', 'sendto'])
    cut = rng.randrange(len(data) + 1)
    pieces = [data[:cut], data[cut:]]
    sock = rng.choice([end.sock, *end.aliases])
    if how == 'send':
        with truth.call('send', end, data=data) as call:
            call.count = sock.send(data)
    elif how == 'sendmsg':
        with truth.call('send', end, data=data) as call:
            call.count = sock.sendmsg(pieces)
    elif how == 'sendto':
        with truth.call('send', end, data=data) as call:
            call.count = sock.send(data, socket.MSG_NOSIGNAL)
    elif how == 'write':
        with truth.call('send', end, data=data) as call:
            call.count = os.write(sock.fileno(), data)
    else:
        with truth.call('send', end, data=data) as call:
            call.count = os.writev(sock.fileno(), pieces)
    return call.count


def send_file(end, data):
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        at = 0
        while at < len(data):
            with truth.call('send', end, data=data[at:]) as call:
                call.count = os.sendfile(end.sock.fileno(), file.fileno(), at, len(data) - at)
            at += call.count


def send_bytes(rng, end, data):
    """All of it, in some way."""
    how = rng.random()
    if end.mode != 'nonblocking' and how < 0.3:
        with truth.call('send', end, data=data) as call:
            end.sock.sendall(data)
            call.count = len(data)
        return
    if end.mode == 'blocking' and how < 0.4:
        send_file(end, data)
        return
    while data:
        if end.mode != 'blocking' and (end.mode == 'timeout' or rng.random() < 0.3):
            wait_for(rng, {end: 'out'})
        try:
            data = data[send_once(rng, end, data):]
        except BlockingIOError:
            wait_for(rng, {end: 'out'})


def send_pieces(rng, end, size):
    pieces = rng.choice([1, 1, 2, 3, 5])
    for i in range(pieces):
        part = size * (i + 1) // pieces - size * i // pieces
        if part:
            send_bytes(rng, end, truth.fill(rng.random(), part))


# --- receiving

def receive_once(rng, end, size):
    """One call that may wait; the bytes."""
    how = rng.choice(['recv', 'recv', 'recv_into', 'recvmsg', 'read', 'readv', 'recvfrom'])
    sock = rng.choice([end.sock, *end.aliases])
    if end.mode == 'timeout' and how in ('read', 'readv'):
        how = 'recv'  # these know nothing of timeouts
    if how == 'recv':
        flags = 0
        if end.mode == 'blocking' and rng.random() < 0.2:
            flags = rng.choice([socket.MSG_WAITALL, socket.MSG_PEEK])
        more = {'all': flags == socket.MSG_WAITALL, 'peek': flags == socket.MSG_PEEK}
        with truth.call('receive', end, **more) as call:
            call.got = sock.recv(size, flags)
        if flags == socket.MSG_PEEK and call.got:
            size = len(call.got)
            with truth.call('receive', end) as call:
                call.got = sock.recv(size)
    elif how == 'recv_into':
        buffer = bytearray(size)
        with truth.call('receive', end) as call:
            call.got = buffer[:sock.recv_into(buffer)]
    elif how == 'recvmsg':
        with truth.call('receive', end) as call:
            call.got = sock.recvmsg(size)[0]
    elif how == 'read':
        with truth.call('receive', end) as call:
            call.got = os.read(sock.fileno(), size)
    elif how == 'readv':
        buffers = [bytearray(size // 2), bytearray(size - size // 2)]
        with truth.call('receive', end) as call:
            call.got = b''.join(buffers)[:os.readv(sock.fileno(), buffers)]
        call.record['got'] = b''.join(buffers)[:min(call.record['count'], truth.HEAD)].hex()
    else:
        with truth.call('receive', end) as call:
            call.got = sock.recvfrom(size)[0]
    return call.got


def receive(rng, end, size):
    if end.mode == 'nonblocking' or rng.random() < 0.15:
        if rng.random() < 0.6:
            wait_for(rng, {end: 'in'})
        while True:
            try:
                return receive_once(rng, end, size)
            except BlockingIOError:
                wait_for(rng, {end: 'in'})
    return receive_once(rng, end, size)


def receive_bytes(rng, end, size):
    while size:
        got = receive(rng, end, min(size, rng.choice([1, 7, 100, 1460, 9000, 70000])))
        if not got:
            raise EOFError('the stream ended early')
        size -= len(got)


def receive_end(rng, end):
    """The peer's FIN, or its reset."""
    try:
        if receive(rng, end, 100):
            raise ValueError('more than was agreed')
    except ConnectionResetError:
        pass


# --- the ends of connections

def end_kind(rng, end, how):
    if how == 'shutdown':
        with truth.call('shutdown', end) as _:
            end.sock.shutdown(socket.SHUT_WR)
        return
    if how == 'both':
        with truth.call('shutdown', end) as _:
            end.sock.shutdown(socket.SHUT_RDWR)
    if how == 'linger':
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    for alias in end.aliases:
        with truth.call('close', end) as _:
            alias.close()
    with truth.call('close', end) as _:
        end.sock.close()


def dress(rng, end):
    """What else a socket may be."""
    set_mode(rng, end, rng.choice(['blocking', 'timeout', 'nonblocking']))
    if rng.random() < 0.5:
        end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if rng.random() < 0.25:
        alias = end.sock.dup()
        alias.settimeout(end.sock.gettimeout())
        end.aliases.append(alias)


def make_small(rng, sock):
    if rng.random() < 0.3:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    if rng.random() < 0.3:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


def connect(rng, family, address, port=0):
    end = truth.End(socket.socket(family, socket.SOCK_STREAM), 'client')
    make_small(rng, end.sock)
    if port or rng.random() < 0.3:
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end.sock.bind((ADDRESS[family], port))
    set_mode(rng, end, rng.choice(['blocking', 'timeout', 'nonblocking']))
    end.known['from_ns'] = time.time_ns()
    try:
        with truth.call('connect', end) as _:
            end.sock.connect(address)
    except BlockingIOError:
        wait_for(rng, {end: 'out'})
        error = end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error)) from None
    end.look()
    dress(rng, end)
    return end


def accept(rng, listener):
    if listener.mode == 'nonblocking' or rng.random() < 0.2:
        wait_for(rng, {listener: 'in'})
    began = time.time_ns()
    with truth.call('accept', listener) as call:
        sock, peer = listener.sock.accept()
    end = truth.End(sock, 'server')
    call.record['accepted'] = end.name
    end.look(peer)
    end.known['from_ns'] = began
    dress(rng, end)
    return end


# --- conversations

class Conversation:
    """A seed for each side, and what both know."""

    def __init__(self, seed, number):
        self.rng = rng = random.Random(f'{seed} {number}')
        self.seed = f'{seed} {number}'
        self.family = rng.choice(list(ADDRESS))
        self.turns = []
        for _ in range(rng.randrange(1, 6)):
            size = rng.choice([6, 20, 500, 1461, 9000, 40000])
            kind = rng.choice(['there', 'back', 'both', 'duplex', 'twins'])
            if kind == 'both':
                size = min(size, 1461)
            self.turns.append((kind, size))
        self.ending = rng.choice(['client', 'server', 'half', 'unread', 'linger', 'both',
                                  'exit'])
        # What the end of a process closes ends with all its connections.
        self.rounds = 1 if self.ending == 'exit' else rng.choice([1, 1, 1, 2, 3])
        self.same_port = self.ending == 'linger' and rng.random() < 0.7
        self.hands_over = rng.choice([None, None, None, 'fork', 'late', 'rights'])
        self.in_process = {'client': rng.random() < 0.3, 'server': rng.random() < 0.3}
        self.open()

    def open(self):
        listener = truth.End(socket.socket(self.family, socket.SOCK_STREAM), 'listener')
        make_small(self.rng, listener.sock)
        listener.sock.bind((ADDRESS[self.family], 0))
        listener.sock.listen(self.rng.choice([1, 5]))
        set_mode(self.rng, listener, self.rng.choice(['blocking', 'timeout', 'nonblocking']))
        self.address = listener.sock.getsockname()
        listener.known['local'] = self.address[:2]
        self.listener = listener

    def take_turns(self, rng, end, is_client):
        for kind, size in self.turns:
            pause(rng)
            if kind == 'both':
                send_pieces(rng, end, size)
                pause(rng)
                receive_bytes(rng, end, size)
            elif kind == 'duplex':
                other = Guarded(send_pieces, random.Random(rng.random()), end, size)
                other.start()
                receive_bytes(rng, end, size)
                other.join()
            elif (kind != 'back') != is_client:
                receive_bytes(rng, end, size)
            elif kind == 'twins':
                end.sent = None  # which was first is not known
                others = [Guarded(send_pieces, random.Random(rng.random()), end, part)
                          for part in (size - size // 2, size // 2)]
                for other in others:
                    other.start()
                for other in others:
                    other.join()
            else:
                send_pieces(rng, end, size)

    def finish(self, rng, end, is_client):
        ending = self.ending
        if ending == 'linger':  # what has not arrived by then is lost
            if is_client:
                receive_bytes(rng, end, 6)
            else:
                send_pieces(rng, end, 6)
        pause(rng)
        if ending == 'exit' and self.in_process['client'] and is_client:
            return  # the process ends with it open
        if ending == 'half':
            if is_client:
                end_kind(rng, end, 'shutdown')
                receive_bytes(rng, end, 500)
                receive_end(rng, end)
            else:
                receive_end(rng, end)
                send_pieces(rng, end, 500)
            end_kind(rng, end, 'close')
        elif ending == 'unread':
            if is_client:
                send_bytes(rng, end, truth.fill(rng.random(), 500))
                receive_end(rng, end)
            else:
                wait_for(rng, {end: 'in'})
            end_kind(rng, end, 'close')
        elif is_client != (ending == 'server'):
            end_kind(rng, end, ending if ending in ('linger', 'both') else 'close')
        else:
            receive_end(rng, end)
            end_kind(rng, end, 'close')

    def serve(self):
        rng = random.Random(self.seed + ' server')
        for _ in range(self.rounds):
            # A fork beside other threads is asking for trouble.
            how = self.hands_over if self.in_process['server'] else None
            if how == 'rights':
                self.serve_by_message(rng)
                continue
            end = accept(rng, self.listener)
            if how:
                self.serve_by_fork(rng, end, how == 'late')
            else:
                self.converse(rng, end, False)
        self.listener.sock.close()

    def serve_by_fork(self, rng, end, is_late):
        """The last close is the child's or, where that is late, the parent's."""
        child = truth.fork()
        if not child:
            self.converse(rng, end, False)
            leave(0)
        if is_late:
            wait_for_child(child)
        end_kind(rng, end, 'close')
        if not is_late:
            wait_for_child(child)

    def serve_by_message(self, rng):
        """A child that was there before gets the connection by SCM_RIGHTS."""
        ours, theirs = socket.socketpair()
        child = truth.fork()
        if not child:
            ours.close()
            self.converse(rng, truth.take(theirs), False)
            leave(0)
        theirs.close()
        end = accept(rng, self.listener)
        truth.give(ours, end)
        pause(rng)
        end_kind(rng, end, 'close')
        wait_for_child(child)
        ours.close()

    def ask(self):
        rng = random.Random(self.seed + ' client')
        port = 0
        for _ in range(self.rounds):
            end = connect(rng, self.family, self.address, port)
            if self.same_port:
                port = end.known['local'][1]
            self.converse(rng, end, True)

    def converse(self, rng, end, is_client):
        self.take_turns(rng, end, is_client)
        self.finish(rng, end, is_client)

    def sides(self):
        return [('server', self.serve), ('client', self.ask)]

    def forget(self, side):
        """In a process that is not this side."""
        if side == 'server':
            self.listener.sock.close()


class Crowd(Conversation):
    """Several clients, one thread with a loop that sends back what comes."""

    def __init__(self, seed, number):
        super().__init__(seed, number)
        self.clients = self.rng.choice([2, 3, 5])
        # Who does not fit into the queue may be reset, if the kernel sent a cookie instead.
        self.listener.sock.listen(8)
        self.listener.sock.setblocking(False)
        self.listener.mode = 'nonblocking'

    def serve(self):
        rng = random.Random(self.seed + ' server')
        ends, left = [], self.clients
        while left or ends:
            wanted = {end: 'in' for end in ends}
            if left:
                wanted[self.listener] = 'in'
            for end in wait_for(rng, wanted):
                if end is self.listener:
                    ends.append(accept_now(self.listener))
                    left -= 1
                    continue
                got = receive_once(rng, end, 4000)
                if got:
                    send_bytes(rng, end, truth.fill(rng.random(), len(got)))
                else:
                    end_kind(rng, end, 'close')
                    ends.remove(end)
        self.listener.sock.close()

    def ask(self):
        def one(number):
            rng = random.Random(f'{self.seed} client {number}')
            end = connect(rng, self.family, self.address)
            for _ in range(rng.randrange(1, 8)):
                size = rng.choice([6, 50, 3000])
                send_pieces(rng, end, size)
                pause(rng)
                receive_bytes(rng, end, size)
            end_kind(rng, end, 'close')

        threads = [Guarded(one, number) for number in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def accept_now(listener):
    began = time.time_ns()
    with truth.call('accept', listener) as call:
        sock, peer = listener.sock.accept()
    end = truth.End(sock, 'server')
    call.record['accepted'] = end.name
    end.look(peer)
    end.known['from_ns'] = began
    sock.setblocking(False)
    end.mode = 'nonblocking'
    return end


class Datagrams(Conversation):
    """A client that asks and a server that answers."""

    def open(self):
        end = truth.End(socket.socket(self.family, socket.SOCK_DGRAM), 'udp')
        end.sock.bind((ADDRESS[self.family], 0))
        set_mode(self.rng, end, self.rng.choice(['blocking', 'timeout', 'nonblocking']))
        self.address = end.sock.getsockname()
        end.known['local'] = self.address[:2]
        self.listener = end
        self.sizes = [self.rng.choice([6, 20, 500, 1473, 9000, 60000])
                      for _ in range(self.rng.randrange(1, 8))]
        # Several at once, or two or three threads that answer on one socket.
        self.way = self.rng.choice(['plain', 'plain', 'many', 'shared'])
        if self.way == 'shared':
            set_mode(self.rng, end, 'blocking')
            end.is_shared = True
            self.readers = self.rng.choice([2, 2, 3])
            self.is_burst = self.rng.random() < 0.6

    def receive(self, rng, end):
        """One datagram, sometimes less of it than there is."""
        size = rng.choice([65535, 65535, 65535, 10])
        if end.mode == 'nonblocking' or rng.random() < 0.2:
            wait_for(rng, {end: 'in'})
        how = rng.choice(['recvfrom', 'recvmsg', 'recvfrom_into'])
        if how == 'recvfrom':
            with truth.call('receive', end) as call:
                call.got, peer = end.sock.recvfrom(size)
        elif how == 'recvmsg':
            with truth.call('receive', end) as call:
                call.got, _, _, peer = end.sock.recvmsg(size)
        else:
            buffer = bytearray(size)
            with truth.call('receive', end) as call:
                count, peer = end.sock.recvfrom_into(buffer)
                call.got = buffer[:count]
        return peer

    def receive_many(self, rng, end, count):
        """So many datagrams by recvmmsg()."""
        while count:
            if end.mode != 'blocking' or rng.random() < 0.2:
                wait_for(rng, {end: 'in'})
            most = min(count, rng.choice([1, 3, 20]))
            many = Messages.empty(most, 2000)
            with truth.call('receive', end) as call:
                found = libc.recvmmsg(end.sock.fileno(), many.array, most, WAIT_FOR_ONE, None)
                call.got = many.received(0)
            count -= checked(found)

    def send_many(self, end, datagrams):
        many = Messages(datagrams)
        with truth.call('send', end, data=b''.join(datagrams), many=True) as call:
            call.count = libc.sendmmsg(end.sock.fileno(), many.array, many.count, 0)
        if call.count != many.count:
            raise OSError(f'{call.count} of {many.count} datagrams')

    def reply(self, rng, end, peer, size):
        pause(rng)
        data = truth.fill(rng.random(), size)
        if rng.random() < 0.5:
            with truth.call('send', end, data=data) as call:
                call.count = end.sock.sendto(data, peer)
        else:
            with truth.call('send', end, data=data) as call:
                call.count = end.sock.sendmsg([data[:3], data[3:]], [], 0, peer)

    def share(self, rng):
        """Answers until a datagram of one byte comes."""
        end = self.listener
        while True:
            flags = 0
            size = rng.choice([65535, 65535, 10])
            if rng.random() < 0.2:
                wait_for(rng, {end: 'in'})
                flags = socket.MSG_DONTWAIT
            try:
                with truth.call('receive', end) as call:
                    call.got, peer = end.sock.recvfrom(size, flags)
            except BlockingIOError:
                continue
            if len(call.got) == 1:
                break
            self.reply(rng, end, peer, rng.choice([6, 500, 500, 9000]))

    def serve(self):
        rng = random.Random(self.seed + ' server')
        end = self.listener
        if self.way == 'shared':
            threads = [Guarded(self.share, random.Random(rng.random()))
                       for _ in range(self.readers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            end.sock.close()
            return
        if self.way == 'many':
            self.receive_many(rng, end, len(self.sizes) * self.rounds)
            end.sock.close()
            return
        for size in self.sizes * self.rounds:
            self.reply(rng, end, self.receive(rng, end), size)
        end.sock.close()

    def ask(self):
        rng = random.Random(self.seed + ' client')
        for _ in range(self.rounds):
            end = truth.End(socket.socket(self.family, socket.SOCK_DGRAM), 'udp')
            is_connected = rng.random() < 0.5 or self.way == 'many'
            if is_connected:
                end.sock.connect(self.address)
            set_mode(rng, end, rng.choice(['blocking', 'timeout', 'nonblocking']))
            if self.way == 'many':
                # What is lost in a full buffer would be waited for.
                self.send_many(end, [truth.fill(rng.random(), min(size, 1473))
                                     for size in self.sizes])
                pause(rng)
                end.sock.close()
                continue
            if self.way == 'shared' and self.is_burst:
                self.ask_at_once(rng, end)
                end.sock.close()
                continue
            for size in self.sizes:
                data = truth.fill(rng.random(), size)
                if is_connected:
                    send_once(rng, end, data)
                else:
                    with truth.call('send', end, data=data) as call:
                        call.count = end.sock.sendto(data, self.address)
                pause(rng)
                self.receive(rng, end)
            end.sock.close()
        if self.way == 'shared':
            end = truth.End(socket.socket(self.family, socket.SOCK_DGRAM), 'udp')
            for data in (b'0', b'1', b'2')[:self.readers]:
                with truth.call('send', end, data=data) as call:
                    call.count = end.sock.sendto(data, self.address)
            end.sock.close()


    def ask_at_once(self, rng, end):
        """Two threads ask on one socket before anything is answered."""
        def ask(rng, sizes):
            for size in sizes:
                with truth.call('send', end, data=truth.fill(rng.random(), size)) as call:
                    call.count = end.sock.sendto(call.data, self.address)

        sizes = [min(size, 500) for size in self.sizes]
        threads = [Guarded(ask, random.Random(rng.random()), part)
                   for part in (sizes, sizes[1:])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in sizes + sizes[1:]:
            self.receive(rng, end)


class Workers(Conversation):
    """Two sockets with one UDP port: the kernel gives each client to one of them."""

    def open(self):
        self.ends, address = [], (ADDRESS[self.family], 0)
        for _ in range(2):
            end = truth.End(socket.socket(self.family, socket.SOCK_DGRAM), 'udp')
            end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            end.sock.bind(address)
            set_mode(self.rng, end, 'blocking')
            end.sock.settimeout(0.02)
            address = end.sock.getsockname()
            end.known['local'] = address[:2]
            end.is_shared = True
            self.ends.append(end)
        self.address = address
        self.clients = self.rng.randrange(2, 6)
        self.left = self.clients * self.rounds

    def work(self, rng, end):
        while self.left > 0:
            try:
                with truth.call('receive', end) as call:
                    call.got, peer = end.sock.recvfrom(65535)
            except TimeoutError:
                continue
            with truth.call('send', end, data=truth.fill(rng.random(), len(call.got))) as call:
                call.count = end.sock.sendto(call.data, peer)
            with self.lock:
                self.left -= 1

    def serve(self):
        rng = random.Random(self.seed + ' server')
        self.lock = threading.Lock()
        threads = [Guarded(self.work, random.Random(rng.random()), end) for end in self.ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.forget('server')

    def ask(self):
        rng = random.Random(self.seed + ' client')
        size = rng.choice([6, 500])

        def one(rng):
            end = truth.End(socket.socket(self.family, socket.SOCK_DGRAM), 'udp')
            set_mode(rng, end, 'blocking')
            for _ in range(self.rounds):
                with truth.call('send', end, data=truth.fill(rng.random(), size)) as call:
                    call.count = end.sock.sendto(call.data, self.address)
                with truth.call('receive', end) as call:
                    call.got = end.sock.recv(65535)
            end.sock.close()

        threads = [Guarded(one, random.Random(rng.random())) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def forget(self, side):
        if side == 'server':
            for end in self.ends:
                end.sock.close()


class Pipe:
    """One end."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def close(self):
        os.close(self.fd)


class Local(Conversation):
    """Threads that write to a pipe or a Unix socket, and threads that read there."""

    def open(self):
        self.way = self.rng.choice(['pipe', 'stream', 'datagrams', 'packets'])
        if self.way == 'pipe':
            ends = [Pipe(fd) for fd in os.pipe()]
        else:
            ends = socket.socketpair(socket.AF_UNIX, {
                'stream': socket.SOCK_STREAM, 'datagrams': socket.SOCK_DGRAM,
                'packets': socket.SOCK_SEQPACKET}[self.way])
        self.reader, self.writer = [truth.End(each, 'local') for each in ends]
        for end in self.reader, self.writer:
            end.is_shared, end.mode = True, 'blocking'
            end.sent = end.received = None
            end.keeps_messages = self.way in ('datagrams', 'packets')
        self.readers, self.writers = self.rng.choice([1, 2, 3]), self.rng.choice([1, 2])
        self.in_process = {'client': False, 'server': False}

    def put(self, rng):
        for _ in range(rng.randrange(1, 12)):
            data = truth.fill(rng.random(), rng.choice([16, 16, 100, 3000]))
            pause(rng)
            if self.way != 'pipe':
                send_once(rng, self.writer, data)
                continue
            with truth.call('send', self.writer, data=data) as call:
                call.count = os.write(self.writer.sock.fileno(), data)

    def take(self, rng):
        end = self.reader
        while True:
            size = rng.choice([16, 100, 5000])
            flags = 0
            if rng.random() < 0.2 and self.way != 'pipe':
                wait_for(rng, {end: 'in'})
                flags = socket.MSG_DONTWAIT
            try:
                if self.way == 'pipe' or not flags and rng.random() < 0.3:
                    with truth.call('receive', end) as call:
                        call.got = os.read(end.sock.fileno(), size)
                else:
                    with truth.call('receive', end) as call:
                        call.got = end.sock.recv(size, flags)
            except BlockingIOError:
                continue
            call.record['size'] = size
            if len(call.got) <= end.keeps_messages:
                break

    def serve(self):
        rng = random.Random(self.seed + ' server')
        threads = [Guarded(self.take, random.Random(rng.random()))
                   for _ in range(self.readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def ask(self):
        rng = random.Random(self.seed + ' client')
        threads = [Guarded(self.put, random.Random(rng.random()))
                   for _ in range(self.writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.writer.keeps_messages:
            for data in (b'0', b'1', b'2')[:self.readers]:
                with truth.call('send', self.writer, data=data) as call:
                    call.count = os.write(self.writer.sock.fileno(), data)
        self.writer.sock.close()

    def forget(self, side):
        self.reader.sock.close()
        self.writer.sock.close()


class Refused(Conversation):
    """Nobody listens."""

    def ask(self):
        rng = random.Random(self.seed + ' client')
        for _ in range(self.rounds):
            try:
                connect(rng, self.family, self.address)
            except OSError as error:
                if error.errno != errno.ECONNREFUSED:
                    raise

    def open(self):
        super().open()
        self.listener.sock.close()

    def sides(self):
        return [('client', self.ask)]

    def forget(self, side):
        pass


# --- the whole

class Guarded(threading.Thread):
    def __init__(self, what, *args):
        super().__init__()
        self.what, self.args = what, args

    def run(self):
        try:
            self.what(*self.args)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            leave(1)  # the others would wait for it


def leave(status):
    truth.save()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def wait_for_child(child):
    if os.waitpid(child, 0)[1]:
        raise ChildProcessError(f'process {child} failed')


def main(seed):
    rng = random.Random(seed)
    kinds = [Conversation, Conversation, Conversation, Crowd, Datagrams, Datagrams, Refused,
             Local, Workers]
    conversations = [rng.choice(kinds)(seed, number) for number in range(rng.randrange(1, 5))]
    children, threads = [], []
    for conversation in conversations:
        for side, what in conversation.sides():
            if not conversation.in_process[side]:
                continue
            child = truth.fork()
            if child:
                children.append(child)
                continue
            try:
                for other in conversations:
                    if other is not conversation or side != 'server':
                        other.forget('server')
                what()
            except BaseException:
                sys.excepthook(*sys.exc_info())
                leave(1)
            leave(0)
    for conversation in conversations:
        for side, what in conversation.sides():
            if not conversation.in_process[side]:
                threads.append(Guarded(what))
            else:
                conversation.forget(side)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for child in children:
        wait_for_child(child)
    leave(0)


main(sys.argv[1])
