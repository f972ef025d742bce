"""A mail client that logs in without TLS."""
import base64
import socket
import threading

REPLIES = ('220 mail.example.org ESMTP', '334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6',
           '235 welcome', '221 bye')


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
client.sendall(b'AUTH LOGIN\r\n')
answers.readline()
client.sendall(base64.b64encode(b'alice') + b'\r\n')
answers.readline()
client.sendall(base64.b64encode(b'wonderland') + b'\r\n')  # here
answers.readline()
client.sendall(b'QUIT\r\n')
answers.readline()
answers.close()
client.close()
thread.join()
