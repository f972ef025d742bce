"""A thread for each of two clients; both sleep in the same line at the same time."""
import socket
import threading

from barrier import about_to_wait, until_waiting


def serve(conn, number):
    about_to_wait(f'request {number}')
    request = conn.recv(1024)                        # request
    until_waiting(f'answer {number}')
    conn.sendall(request)                            # reply
    about_to_wait(f'end {number}')
    conn.recv(1024)                                  # end
    conn.close()                                     # close


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
threads = []
for count in 1, 2:
    about_to_wait(f'accept {count}')
    conn, address = server.accept()                  # accept
    threads.append(threading.Thread(target=serve, args=(conn, count)))
    threads[-1].start()
    until_waiting(f'request {count}')
for thread in threads:
    thread.join()
