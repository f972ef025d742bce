#!/usr/bin/python3
"""What the scanner's tests scan: listeners on TCP ports, which accept and close, and UDP
ports that answer every datagram; IPv4 and IPv6, every address.

    scan_target.py TCP,TCP,... UDP,UDP,...      prints "ready"
"""

import select
import socket
import sys


def bound(kind, port):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('::', port))
    sock.setblocking(False)
    return sock


def main():
    tcp, udp = ([int(port) for port in word.split(',') if port] for word in sys.argv[1:3])
    epoll = select.epoll()
    socks = {}
    for port in tcp:
        sock = bound(socket.SOCK_STREAM, port)
        sock.listen(4096)
        socks[sock.fileno()] = (True, sock)
    for port in udp:
        sock = bound(socket.SOCK_DGRAM, port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        socks[sock.fileno()] = (False, sock)
    for fd in socks:
        epoll.register(fd, select.EPOLLIN)
    print('ready', flush=True)
    while True:
        for fd, _ in epoll.poll():
            is_tcp, sock = socks[fd]
            try:
                while True:
                    if is_tcp:
                        sock.accept()[0].close()
                    else:
                        sock.sendto(b'reply\n', sock.recvfrom(2048)[1])
            except OSError:
                pass


main()
