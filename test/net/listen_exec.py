#!/usr/bin/python3
"""`sonde listen --exec`: a command for each client; each half of the way closed for itself."""

import socket
import time

import netns
from talking import Listen, blob, connect, until_end
from tap import tap

netns.enter()
BIG = blob(3000000)

listen = Listen('-k', '--exec', 'cat')
done = connect('127.0.0.1', listen.port, input=BIG)
tap.check('a command for each client: all comes back',
          done.returncode == 0 and done.stdout == BIG, (done.returncode, len(done.stdout)))
listen.end()
listen = Listen('--exec', 'echo $SONDE_PEER_ADDRESS $SONDE_PEER_PORT $NCAT_REMOTE_PORT '
                '$SOCAT_PEERPORT $SONDE_PROTO $SONDE_CLIENT; exec <&- >&-; sleep 100')
client = listen.join()
port = str(client.getsockname()[1])
tap.equal('its environment names the client', until_end(client).decode().split(),
          ['127.0.0.1', port, port, port, 'tcp', '1'])
client.close()
began = time.monotonic()
status = listen.process.wait(60)
tap.check('what it left running ends with it', status == 0 and time.monotonic() - began < 60,
          status)


# --- its status

for command, wanted, why in (('echo said; exit 3', 4, 'it ended with status 3'),
                             ('echo said; kill -9 $$', 4, 'it was ended by signal 9'),
                             ('echo said; exec >&-; sleep 0.1; exit 5', 4, 'it ended with status 5'),
                             ('echo said', 0, '')):
    listen = Listen('--exec', command)
    client = listen.join()
    tap.equal(f'{command}: its words come', until_end(client), b'said\n')
    client.close()
    status = listen.process.wait(60)
    tap.check(f'{command}: exit status {wanted}', status == wanted and why in listen.said(),
              (status, listen.said()))
listen = Listen('-k', '--exec', 'read x; exit $x')
client = listen.join()
client.sendall(b'3\n')
until_end(client)
client.close()
tap.equal('with many clients it says nothing about the whole', listen.end(), 0)


# --- halves

folder = netns.scratch()
listen = Listen('--exec', f'echo first; exec >&-; cat >{folder}/late')
client = listen.join()
tap.equal('a command that closes its output alone: the client hears its end',
          until_end(client), b'first\n')
client.sendall(BIG)
client.close()
listen.process.wait(60)
with open(f'{folder}/late', 'rb') as file:
    tap.check('and what it sends from then on still comes', file.read() == BIG)

listen = Listen('--exec', 'read x; exec <&-; echo "heard $x"; echo more')
client = listen.join()
client.sendall(b'one\n')
tap.equal('one that closes its input alone is still heard', until_end(client),
          b'heard one\nmore\n')
tap.equal('and the client need not end its half', listen.process.wait(60), 0)
client.close()

listen = Listen('--exec', 'wc -c')
client = listen.join()
client.sendall(BIG)
client.shutdown(socket.SHUT_WR)
tap.equal('an answer after the client\'s end', until_end(client).split(), [b'3000000'])
client.close()
listen.process.wait(60)

# Unread bytes would make the kernel reset the connection, and the answer be lost.
listen = Listen('-k', '--exec', 'head -c 3; echo enough')
whole = []
for _ in range(20):
    client = listen.join()
    client.sendall(b'abc' + bytes(200000))
    try:
        whole.append(until_end(client) == b'abcenough\n')
    except ConnectionError:
        whole.append(False)
    client.close()
tap.check('a command that reads less than it is sent: its answer comes whole', all(whole), whole)
listen.end()

listen = Listen('--exec', 'cat /dev/stdin | tr a-z A-Z >/dev/stdout')
client = listen.join()
client.sendall(b'by name')
client.shutdown(socket.SHUT_WR)
tap.equal('/dev/stdin and /dev/stdout can be opened', until_end(client), b'BY NAME')
client.close()
listen.process.wait(60)

listen = Listen('-u', '-k', '--exec', 'while read -r x; do echo "<$x>"; done')
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(60)
sock.connect(('127.0.0.1', listen.port))
answers = []
for text in b'one\n', b'two\n':
    sock.send(text)
    answers.append(sock.recv(100))
tap.equal('UDP: a write is a datagram', answers, [b'<one>\n', b'<two>\n'])
sock.close()
listen.end()

tap.done()
