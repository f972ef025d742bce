#!/usr/bin/python3
"""Streams that are hard to follow: streams.py CASE.

Each case is a function below; truth.py tells afterwards what each call did.  Where packets are
to be lost, nft drops them in the namespace that the program runs in.
"""

import mmap
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import truth
from messages import Messages, libc

HOST = '127.0.0.1'


def listen(port=0, backlog=100, host=HOST, family=socket.AF_INET, more=()):
    listener = truth.End(socket.socket(family, socket.SOCK_STREAM), 'listener')
    listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option in more:
        listener.sock.setsockopt(*option)
    listener.sock.bind((host, port))
    listener.sock.listen(backlog)
    listener.known['local'] = listener.sock.getsockname()[:2]
    return listener


def accept(listener):
    began = time.time_ns()
    with truth.call('accept', listener) as call:
        sock, peer = listener.sock.accept()
    end = truth.End(sock, 'server')
    call.record['accepted'] = end.name
    end.look(peer)
    end.known['from_ns'] = began
    return end


def connect(address, more=()):
    family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
    end = truth.End(socket.socket(family, socket.SOCK_STREAM), 'client')
    for option in more:
        end.sock.setsockopt(*option)
    with truth.call('connect', end) as _:
        end.sock.connect(tuple(address))
    end.look()
    return end


def send(end, size, flags=0):
    data = truth.fill(f'{end.name} {threading.get_native_id()} {time.time_ns()}', size)
    with truth.call('send', end, data=data) as call:
        call.count = end.sock.send(data, flags)
    return call.count


def send_all(end, size):
    data = truth.fill(f'{end.name} {threading.get_native_id()} {time.time_ns()}', size)
    with truth.call('send', end, data=data) as call:
        end.sock.sendall(data)
        call.count = size


def receive(end, size=65536):
    with truth.call('receive', end) as call:
        call.got = end.sock.recv(size)
    return len(call.got)


def receive_all(end, size, step=65536):
    while size:
        got = receive(end, min(size, step))
        if not got:
            raise EOFError('the stream ended early')
        size -= got


def receive_end(end):
    if receive(end):
        raise ValueError('more than was agreed')


def close(end):
    with truth.call('close', end) as _:
        end.sock.close()


class Thread(threading.Thread):
    def __init__(self, what, *args):
        super().__init__()
        self.what, self.args = what, args
        self.start()

    def run(self):
        try:
            self.what(*self.args)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            leave(1)  # the others would wait for it


def together(*whats):
    threads = [Thread(*what) for what in whats]
    for thread in threads:
        thread.join()


def leave(status):
    truth.save()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def fork(what, *args):
    child = truth.fork()
    if not child:
        try:
            what(*args)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            leave(1)
        leave(0)
    return child


def wait_for(child):
    if os.waitpid(child, 0)[1]:
        raise ChildProcessError(f'process {child} failed')


def drop(hook, *rules):
    """Packets of TCP to (input) or from (output) this machine."""
    lines = ['table inet lose {', f'chain c {{ type filter hook {hook} priority 0;']
    lines += [f'{rule} drop' for rule in rules]
    subprocess.run(['nft', '-f', '-'], input='\n'.join([*lines, '}', '}', '']), text=True,
                   check=True)


# --- cases

def crowd(clients=40, messages=100):
    """40 clients with a thread each, 100 questions and answers.  All fit into the queue: the
    kernel resets who has waited there for some seconds while it is full."""
    listener = listen(backlog=clients)

    def serve():
        def one(end):
            for _ in range(messages):
                receive_all(end, 20)
                send(end, 8)
            receive_end(end)
            close(end)

        together(*((one, accept(listener)) for _ in range(clients)))

    def ask():
        def one():
            end = connect(listener.known['local'])
            for _ in range(messages):
                send(end, 20)
                receive_all(end, 8)
            close(end)

        together(*((one,) for _ in range(clients)))

    child = fork(serve)
    ask()
    wait_for(child)


def threads():
    crowd(1000, 1)


def bulk(total=1500000, loss=False):
    """Most segments leave outside a send call."""
    more = [] if loss else [(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)]
    listener = listen(more=more)

    def ask():
        end = connect(listener.known['local'],
                      [] if loss else [(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)])
        left = total
        while left:
            send_all(end, min(left, 10000))
            left -= min(left, 10000)
        close(end)

    def serve():
        end = accept(listener)
        receive_all(end, total, 7000)
        receive_end(end)
        close(end)

    child = fork(serve)
    ask()
    wait_for(child)


def in_send():
    """How many threads sleep in send."""
    sendto = {'x86_64': '44', 'aarch64': '206'}[os.uname().machine]
    count = 0
    for tid in os.listdir('/proc/self/task'):
        with open(f'/proc/self/task/{tid}/syscall', encoding='ascii') as file:
            is_there = file.read().split()[0] == sendto
        with open(f'/proc/self/task/{tid}/stat', encoding='ascii') as file:
            state = file.read().rsplit(')', 1)[1].split()[0]
        with open(f'/proc/self/task/{tid}/syscall', encoding='ascii') as file:
            count += is_there and state == 'S' and file.read().split()[0] == sendto
    return count


def two_senders():
    """Two threads send on one socket at once."""
    listener = listen()

    def ask():
        end = connect(listener.known['local'], [(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)])
        end.sent = None
        together((send_all, end, 300000), (send_all, end, 300000))
        close(end)

    def serve():
        end = accept(listener)
        # Nothing is taken: by then both have filled the buffers, and wait in their sends.
        while in_send() < 2:
            time.sleep(0.02)
        receive_all(end, 600000)
        receive_end(end)
        close(end)

    together((serve,), (ask,))


def unanswered():
    """Who has sent a SYN that has no answer yet."""
    with open('/proc/net/tcp', encoding='ascii') as file:
        return {line.split()[1] for line in file if line.split()[3] == '02'}


def full_queue():
    """More clients than the accept queue takes, and nobody who accepts for a while."""
    listener = listen(backlog=0)

    def ask():
        end = connect(listener.known['local'])
        send(end, 10)
        receive_all(end, 5)
        receive_end(end)
        close(end)

    def serve():
        stuck = set()
        while not stuck & unanswered():
            stuck = unanswered()
            time.sleep(0.1)
        for _ in range(6):
            end = accept(listener)
            receive_all(end, 10)
            send(end, 5)
            close(end)

    together((serve,), *((ask,) for _ in range(6)))


def question(count=30, size=3000):
    """Questions and answers of several segments, for the cases with loss."""
    listener = listen()
    small = [(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)]

    def ask():
        end = connect(listener.known['local'], small)
        for _ in range(count):
            send_all(end, size)
            receive_all(end, 8)
        close(end)

    def serve():
        end = accept(listener)
        for _ in range(count):
            receive_all(end, size)
            send(end, 8)
        receive_end(end)
        close(end)

    together((serve,), (ask,))


DATA = 'ip length > 80 tcp flags & (syn|fin) == 0 numgen inc mod 7 == 3'


def kept_back():
    """What does not get out at first is tried again, and captured only then."""
    drop('output', 'ip length > 80 tcp flags & (syn|fin) == 0 numgen inc mod 11 == 5')
    bulk(1000000, True)


def lost_at_the_end():
    """Captured, and not delivered."""
    drop('input', DATA)
    question()


def lost_bulk():
    drop('input', 'ip length > 80 tcp flags & (syn|fin) == 0 numgen inc mod 5 == 2')
    bulk(1000000, True)


def lost_acks():
    drop('input', 'ip length < 60 tcp flags == ack numgen inc mod 3 == 1')
    question()


def lost_syn():
    drop('input', 'tcp flags == syn numgen inc mod 1000 == 0')
    question(2)


def lost_syn_ack():
    drop('input', 'tcp flags == (syn|ack) numgen inc mod 1000 == 0')
    question(2)


def lost_third_ack():
    drop('input', 'tcp flags == ack ip length < 60 numgen inc mod 1000 == 0')
    question(2)


def lost_fin():
    drop('input', 'tcp flags & fin == fin numgen inc mod 1000 < 2')
    question(2)


def fin_on_data():
    """What MSG_MORE holds back leaves with the FIN."""
    listener = listen()

    def ask():
        end = connect(listener.known['local'])
        send(end, 100)
        receive_all(end, 5)
        send(end, 30, socket.MSG_MORE)
        send(end, 40, socket.MSG_MORE)
        close(end)

    def serve():
        end = accept(listener)
        receive_all(end, 100)
        send(end, 5)
        receive_all(end, 70)
        receive_end(end)
        close(end)

    together((serve,), (ask,))


def urgent():
    """A byte beside the stream, and bytes around it."""
    listener = listen()

    def ask():
        end = connect(listener.known['local'])
        send(end, 50)
        receive_all(end, 5)
        send(end, 10, socket.MSG_OOB)
        receive_all(end, 5)
        send(end, 60)
        close(end)

    def serve():
        end = accept(listener)
        receive_all(end, 50)
        send(end, 5)
        receive_all(end, 9)
        select.select([], [], [end.sock], 5)
        end.sock.recv(1, socket.MSG_OOB)
        end.received += 1  # its place in the stream
        send(end, 5)
        receive_all(end, 60)
        receive_end(end)
        close(end)

    together((serve,), (ask,))


def workers():
    """SO_REUSEPORT: the kernel chooses who accepts."""
    option = [(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)]
    first = listen(more=option)
    port = first.known['local'][1]
    done = mmap.mmap(-1, 1)  # of all processes
    listeners = [first] + [listen(port, more=option) for _ in range(2)]

    def serve(listener):
        for other in listeners:
            if other is not listener:
                other.sock.close()
        poll = select.poll()
        poll.register(listener.sock, select.POLLIN)
        while True:
            watched = [[listener.name, 'in', 0, 'listener']]
            with truth.call('wait', watched=watched) as call:
                ready = poll.poll(300)
            call.record['ready'] = [listener.name] if ready else []
            if not ready and done[0]:
                break
            if not ready:
                continue
            end = accept(listener)
            receive_all(end, 10)
            send(end, 20)
            close(end)

    children = [fork(serve, listener) for listener in listeners]
    for listener in listeners:
        listener.sock.close()

    def ask():
        end = connect((HOST, port))
        send(end, 10)
        receive_all(end, 20)
        receive_end(end)
        close(end)

    together(*((ask,) for _ in range(24)))
    done[0] = 1
    for child in children:
        wait_for(child)


def transfers():
    """sendfile, splice, readv, writev."""
    listener = listen()

    def ask():
        end = connect(listener.known['local'])
        with tempfile.TemporaryFile() as file:
            data = truth.fill('file', 50000)
            file.write(data)
            file.flush()
            at = 0
            while at < len(data):
                with truth.call('send', end, data=data[at:]) as call:
                    call.count = os.sendfile(end.sock.fileno(), file.fileno(), at, 9000)
                at += call.count
        reader, writer = os.pipe()
        for number in range(5):
            data = truth.fill(f'pipe {number}', 3000)
            os.write(writer, data)
            with truth.call('send', end, data=data) as call:
                call.count = os.splice(reader, end.sock.fileno(), 3000)
        data = truth.fill('writev', 900)
        with truth.call('send', end, data=data) as call:
            call.count = os.writev(end.sock.fileno(), [data[:300], data[300:350], data[350:]])
        with truth.call('shutdown', end) as _:
            end.sock.shutdown(socket.SHUT_WR)
        receive_end(end)
        close(end)

    def serve():
        end = accept(listener)
        left = 50000 + 15000 + 900
        reader, writer = os.pipe()
        while left:
            if left % 2:
                buffers = [bytearray(700), bytearray(1300)]
                with truth.call('receive', end) as call:
                    call.got = b'x' * os.readv(end.sock.fileno(), buffers)
                left -= len(call.got)
                continue
            with truth.call('receive', end) as call:
                call.got = b'x' * os.splice(end.sock.fileno(), writer, 4001)
            os.read(reader, 5000)
            left -= len(call.got)
        receive_end(end)
        close(end)

    together((serve,), (ask,))


def many_datagrams():
    """sendmmsg and recvmmsg: several datagrams in a call."""
    a = truth.End(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 'udp')
    b = truth.End(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 'udp')
    for end in a, b:
        end.sock.bind((HOST, 0))
        end.known['local'] = end.sock.getsockname()[:2]
    a.sock.connect(b.sock.getsockname())
    many = Messages([truth.fill(f'message {i}', 20 + i) for i in range(8)])
    data = b''.join(each.raw for each in many.buffers)
    with truth.call('send', a, data=data, many=True) as call:
        call.count = libc.sendmmsg(a.sock.fileno(), many.array, 8, 0)
    with truth.call('receive', b) as call:
        count = libc.recvmmsg(b.sock.fileno(), many.array, 8, 0, None)
        call.got = many.received(0)
    if count != 8:
        raise ValueError(f'{count} datagrams')


def many_sockets():
    """As many as a process may have, 10,000 at most."""
    limit = min(10000, int(subprocess.run(['sh', '-c', 'ulimit -n'], stdout=subprocess.PIPE,
                                          check=True).stdout) - 50)
    held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(limit)]
    print(len(held))
    for each in held:
        each.close()


def inherited(descriptor):
    """A connection that there was before anybody looked: streams.py inherited FD."""
    end = truth.End(socket.socket(fileno=int(descriptor)), 'client')
    end.look()
    for _ in range(5):
        send(end, 300)
        receive_all(end, 70)
    close(end)


LISTENS = os.path.join(truth.FOLDER, 'listens')


def ask_for(host, port, count='5', server=''):
    """One side: streams.py ask_for HOST PORT.  With 'traced' the other one is serve_at, and may be
    slow to start."""
    while server == 'traced' and not os.path.exists(LISTENS):
        time.sleep(0.02)
    end = connect((host, int(port)))
    for _ in range(int(count)):
        send(end, 300)
        receive_all(end, 70)
    close(end)


def serve_at(host, port, count='5'):
    listener = listen(int(port), host=host)
    with open(LISTENS, 'w', encoding='ascii'):
        pass
    end = accept(listener)
    for _ in range(int(count)):
        receive_all(end, 300)
        send(end, 70)
    receive_end(end)
    close(end)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
    leave(0)
