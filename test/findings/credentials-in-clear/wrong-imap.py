"""An IMAP client that logs in without TLS."""
import imaplib
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection, connection.makefile('rwb') as file:
        file.write(b'* OK IMAP4rev1 ready\r\n')
        file.flush()
        for line in file:
            tag, command = line.split()[:2]
            if command == b'CAPABILITY':
                file.write(b'* CAPABILITY IMAP4rev1\r\n')
            elif command == b'LOGOUT':
                file.write(b'* BYE\r\n')
            file.write(tag + b' OK done\r\n')
            file.flush()


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = imaplib.IMAP4('127.0.0.1', listener.getsockname()[1])
client.login('alice', 'wonder land')  # here
client.logout()
thread.join()
