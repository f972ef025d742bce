"""Unix sockets and pipes, one scenario each; see trace_local.py.

A forked child is the other side.  Where it must be waiting first, waits_in() looks.
"""

import json
import os
import select
import socket
import sys
import threading
import time

FOLDER = os.environ['BARRIER']
SOCKET = os.path.join(FOLDER, 'socket')


def number_of_call(tid):
    with open(f'/proc/{tid}/syscall', encoding='ascii') as file:
        return file.read().split()[0]


def waits_in(tid, *names):
    """Until the thread sleeps in one of these places of the kernel.  It has to be there before
    and behind the look at its state: it may have slept in the call before."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        before = number_of_call(tid)
        with open(f'/proc/{tid}/stat', encoding='ascii') as file:
            state = file.read().rsplit(')', 1)[1].split()[0]
        if state == 'S' and before in names and number_of_call(tid) == before:
            return
        time.sleep(0.002)
    sys.exit(f'{tid} never came to wait')


# The calls' numbers: read, poll, epoll_wait, recvfrom, accept4, write, or what the C
# library makes of them there.
READ, POLL, EPOLL, RECVFROM, ACCEPT, WRITE = {
    'x86_64': ('0', '7', '232', '45', '288', '1'),
    'aarch64': ('63', '73', '22', '207', '242', '64'),
}[os.uname().machine]


def child(function):
    pid = os.fork()
    if pid:
        return pid
    function()
    os._exit(0)                                          # exit_group


def pipe():
    r, w = os.pipe()

    def reader():
        os.close(w)
        os.read(r, 100)                                  # take
        reach('first')
        until('given')
        os.read(r, 8)                                    # rest
        os.read(r, 8)                                    # tail
        reach('taken')
        os.read(r, 8)                                    # end

    pid = child(reader)
    os.close(r)
    waits_in(pid, READ)
    os.write(w, b'first')                                # give
    until('first')  # woken by it, a reader takes what has come until it runs
    os.write(w, b'abcd')                                 # second
    os.write(w, b'efghij')                               # third
    reach('given')
    until('taken')
    waits_in(pid, READ)
    os.close(w)                                          # close
    os.waitpid(pid, 0)


def full():
    r, w = os.pipe()

    def writer():
        os.close(r)
        os.write(w, bytes(65536))                        # fill
        reach('full')
        os.write(w, bytes(4096))                         # more
        reach('through')

    pid = child(writer)
    until('full')
    waits_in(pid, WRITE)
    os.read(r, 65536)                                    # drain
    until('through')
    os.read(r, 65536)                                    # later
    os.close(w)
    os.waitpid(pid, 0)


def crowd():
    """Threads connect at once: in which order they are accepted nobody sees."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(FOLDER, 'crowd'))
    listener.listen(1)
    ready = threading.Barrier(6)
    asked = {}

    def ask(i):
        sock = socket.socket(socket.AF_UNIX)
        ready.wait()
        sock.connect(listener.getsockname())
        sock.sendall(bytes([i]))                         # ask
        asked[threading.get_native_id()] = i
        sock.recv(1)                                     # hear

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    taken = []
    for _ in threads:
        sock, _ = listener.accept()
        taken.append(sock.recv(1)[0])                    # take
        sock.sendall(bytes([taken[-1]]))
        sock.close()
    for thread in threads:
        thread.join()
    with open(os.path.join(FOLDER, 'taken'), 'w', encoding='ascii') as file:
        json.dump([taken, asked], file)


def fifo():
    path = os.path.join(FOLDER, 'fifo')
    os.mkfifo(path)
    # Numbers that were files before.
    for _ in range(3):
        os.close(os.open('/dev/null', os.O_RDONLY))

    def writer():
        w = os.open(path, os.O_WRONLY)
        waits_in(os.getppid(), READ)
        os.write(w, b'one')                              # one
        waits_in(os.getppid(), READ)
        os.close(w)                                      # close
        until('ended')
        w = os.open(path, os.O_WRONLY)
        reach('again')
        waits_in(os.getppid(), READ)
        os.write(w, b'two')                              # two
        waits_in(os.getppid(), READ)

    pid = child(writer)
    r = os.open(path, os.O_RDONLY)
    os.read(r, 10)                                       # take
    os.read(r, 10)                                       # end
    reach('ended')
    until('again')
    os.read(r, 10)                                       # again
    os.read(r, 10)                                       # last
    os.waitpid(pid, 0)


def stream(address=SOCKET):
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()

    def client():
        waits_in(os.getppid(), ACCEPT)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)                            # connect
        waits_in(os.getppid(), RECVFROM)
        sock.sendall(b'ask!')                            # ask
        sock.recv(100)                                   # reply
        waits_in(os.getppid(), RECVFROM)
        sock.shutdown(socket.SHUT_WR)                    # shutdown

    pid = child(client)
    conn, _ = server.accept()                            # accept
    conn.recv(100)                                       # request
    waits_in(pid, RECVFROM)
    conn.sendall(b'answer')                              # answer
    conn.recv(100)                                       # end
    os.waitpid(pid, 0)


def abstract():
    stream('\0sonde-test-' + str(os.getpid()))


def order():
    server = socket.socket(socket.AF_UNIX)
    server.bind(SOCKET)
    server.listen()
    one, two = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    one.connect(SOCKET)
    two.connect(SOCKET)
    two.sendall(b'second')                               # second
    one.sendall(b'first')                                # first
    two.close()
    for _ in range(2):
        conn, _ = server.accept()
        conn.recv(100)                                   # take


def seqpacket():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def reader():
        other.recv(100)                                  # take
        until('given')
        other.recv(2)                                    # again

    pid = child(reader)
    waits_in(pid, RECVFROM)
    one.send(b'one')                                     # one
    one.send(b'two')                                     # two
    reach('given')
    os.waitpid(pid, 0)


def datagrams():
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(SOCKET)

    def reader():
        for _ in range(3):
            server.recv(100)                             # take
            until('given')

    pid = child(reader)
    waits_in(pid, RECVFROM)
    a = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    b.connect(SOCKET)
    a.sendto(b'a', SOCKET)                               # a
    b.send(b'bb')                                        # b
    a.sendto(b'aaa', SOCKET)                             # again
    reach('given')
    os.waitpid(pid, 0)


def pair():
    one, other = socket.socketpair()

    def writer():
        one.close()
        waits_in(os.getppid(), RECVFROM)
        other.sendall(b'hello')                          # give
        waits_in(os.getppid(), RECVFROM)

    pid = child(writer)
    other.close()
    one.recv(100)                                        # take
    one.recv(100)                                        # end
    os.waitpid(pid, 0)


def waits():
    r, w = os.pipe()

    def reader():
        os.close(w)
        poll = select.poll()
        poll.register(r, select.POLLIN)
        poll.poll()                                      # poll
        os.read(r, 10)                                   # take
        epoll = select.epoll()
        epoll.register(r, select.EPOLLIN)
        reach('epoll')
        epoll.poll()                                     # epoll
        os.read(r, 10)                                   # again
        reach('hangup')
        poll.poll()                                      # hangup

    pid = child(reader)
    os.close(r)
    waits_in(pid, POLL)
    os.write(w, b'x')                                    # give
    until('epoll')
    waits_in(pid, EPOLL)
    os.write(w, b'y')                                    # more
    until('hangup')
    waits_in(pid, POLL)
    os.close(w)                                          # close
    os.waitpid(pid, 0)


def splice():
    r, w = os.pipe()
    one, other = socket.socketpair()

    def reader():
        other.recv(100)                                  # take

    pid = child(reader)
    waits_in(pid, RECVFROM)
    os.write(w, b'hello')                                # give
    os.splice(r, one.fileno(), 100)                      # move
    os.waitpid(pid, 0)


def deaf():
    one, _other = socket.socketpair()

    def reader():
        one.recv(100)                                    # take

    thread = threading.Thread(target=reader)
    thread.start()
    waits_in(thread.native_id, RECVFROM)
    one.shutdown(socket.SHUT_RD)                         # shutdown
    thread.join()


def writers():
    r, w = os.pipe()

    def write(first):
        for number in range(first, first + 50):
            os.write(w, bytes([number]) * 3000)          # give

    children = [child(lambda: write(1)), child(lambda: write(51))]
    os.close(w)
    reads = []
    while data := os.read(r, 5000):                      # take
        reads.append([[number, data.find(number), data.rfind(number) + 1]
                      for number in sorted(set(data), key=data.find)])
    for pid in children:
        os.waitpid(pid, 0)
    # Of each read: whose bytes, which of its writes, from where to where.
    with open(os.path.join(FOLDER, 'reads'), 'w', encoding='ascii') as file:
        json.dump([[[children[number > 50], (number - 1) % 50, start, end]
                    for number, start, end in each] for each in reads], file)


def outside():
    os.write(1, b'')
    os.write(2, b'to the one who started it\n')


def reach(name):
    with open(os.path.join(FOLDER, name), 'w', encoding='ascii'):
        pass


def until(name):
    end = time.monotonic() + 20
    while not os.path.exists(os.path.join(FOLDER, name)):
        if time.monotonic() > end:
            sys.exit(f'{name} was never reached')
        time.sleep(0.002)


globals()[sys.argv[1]]()
print('done')
