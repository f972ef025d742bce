"""A mail with one sender."""
import socket
import threading

REPLIES = ('220 mail.example.org ESMTP', '250 hello', '250 sender', '250 recipient', '354 go on',
           '250 taken', '221 bye')


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
for line in (b'HELO example.org', b'MAIL FROM:<mallory@example.org>', b'RCPT TO:<bob@example.org>',
             b'DATA'):
    client.sendall(line + b'\r\n')
    answers.readline()
client.sendall(b'From: Mallory <mallory@example.org>\r\nSubject: hello\r\n\r\n'
               b'From: carol@example.org is only text here.\r\n.\r\n')
answers.readline()
client.sendall(b'QUIT\r\n')
answers.readline()
answers.close()
client.close()
thread.join()
