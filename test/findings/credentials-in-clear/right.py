"""A mail client that proves that it knows the password, and does not say it."""
import base64
import hmac
import socket
import threading

REPLIES = ('220 mail.example.org ESMTP', '334 PDEyM0BtYWlsLmV4YW1wbGUub3JnPg==',
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
client.sendall(b'AUTH CRAM-MD5\r\n')
challenge = base64.b64decode(answers.readline().split()[1])
proof = hmac.new(b'wonderland', challenge, 'md5').hexdigest()
client.sendall(base64.b64encode(b'alice ' + proof.encode()) + b'\r\n')
answers.readline()
client.sendall(b'QUIT\r\n')
answers.readline()
answers.close()
client.close()
thread.join()
