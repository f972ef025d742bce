"""A mail client whose lines end in LF alone."""
import socket
import threading

REPLIES = ('220 mail.example.org ESMTP', '250 hello', '221 bye')


def serve():
    connection, _ = listener.accept()
    with connection, connection.makefile('rwb') as file:
        for reply in REPLIES:
            file.write(reply.encode() + b'\r\n')
            file.flush()
            line = file.readline()
            while reply.startswith('354') and line != b'.\r\n':
                line = file.readline()


listener = socket.create_server(('127.0.0.1', 2525))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(('127.0.0.1', 2525))
answers = client.makefile('rb')
answers.readline()
client.sendall(b'HELO example.org\n')  # here
answers.readline()
client.sendall(b'QUIT\n')
answers.readline()
answers.close()
client.close()
thread.join()
