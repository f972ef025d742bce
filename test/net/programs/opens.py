"""Connections that begin in other ways, a server thread and a client: opens.py HOW

    deferred    the listener has TCP_DEFER_ACCEPT: a bare ACK is not enough
    fast        TCP_FASTOPEN, first without a cookie (as a connect), then with one
    later       TCP_FASTOPEN_CONNECT: connect only remembers, the first send opens
"""
import socket
import sys
import threading

import barrier

TCP_FASTOPEN_CONNECT = 30
how = sys.argv[1]
rounds = 1 if how == 'deferred' else 2
listener = socket.socket()
listener.bind(('127.0.0.1', 50000))
if how == 'deferred':
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
else:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
listener.listen()


def serve():
    for number in range(rounds):
        barrier.about_to_wait(f'accept {number}')
        sock, _ = listener.accept()  # accept
        sock.recv(100)  # receive
        barrier.about_to_wait(f'end {number}')
        sock.recv(100)  # end
        sock.close()  # farewell
        barrier.reached(f'done {number}')


thread = threading.Thread(target=serve)
thread.start()
for number in range(rounds):
    sock = socket.socket()
    barrier.until_waiting(f'accept {number}')
    if how == 'fast':
        sock.sendto(b'hello', socket.MSG_FASTOPEN, ('127.0.0.1', 50000))  # send
    else:
        if how == 'later':
            sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        sock.connect(('127.0.0.1', 50000))  # connect
        barrier.until_long_past()
        sock.send(b'hello')  # send
    barrier.until_waiting(f'end {number}')
    sock.close()  # close
    barrier.until_reached(f'done {number}')
thread.join()
