#!/usr/bin/python3
"""`sonde calc`: its answers, its patience, and what it says of servers that cut their
answers, stay silent, close early or answer something else.

    sonde calc ---- lo (127.0.0.1, ::1) ---- sonde serve calc
                                        ---- small servers of this file
                192.0.2.1 drops what it gets: a machine that is not there
"""

import contextlib
import json
import re
import socket
import struct
import subprocess
import threading
import time

import netns
from serving import Server, read_exactly, reply, request, tcp
from tap import tap

netns.enter()
subprocess.run(['ip', 'link', 'add', 'nowhere', 'type', 'veth', 'peer', 'name', 'nobody'],
               check=True)
subprocess.run(['ip', 'address', 'add', '192.0.2.2/24', 'dev', 'nowhere'], check=True)
subprocess.run(['ip', 'link', 'set', 'nowhere', 'up', 'arp', 'off'], check=True)
subprocess.run(['ip', 'link', 'set', 'nobody', 'up'], check=True)


def calc(*words, **more):
    return netns.run([netns.SONDE, 'calc', *map(str, words)], **more)


def answer_of(*words):
    done = calc(*words)
    return done.returncode, done.stdout, done.stderr


# --- against our own server

server = Server('calc@:0', 'calc@:0,order=be', listening=8)
port, big_port = server.ports
to = ['--to', f':{port}']

for words, result in ((['sum', 1, 2], 3), (['sum'], 0), (['product', -7, 6], -42),
                      (['min', 3, -2147483648, 7], -2147483648), (['max', -3, -9], -3),
                      (['Summe', 1], 1), (['Produkt'], 1), (['Minimum', 4], 4),
                      (['Maximum', 2147483647], 2147483647), (['MAX', 1, 2], 2),
                      (['product', 65536, 32768, -1], -2147483648),
                      (['sum', *[8421504] * 253], 2130640512)):
    got = [answer_of(*words, *to, *more) for more in ([], ['--udp'])]
    tap.equal(f'{" ".join(map(str, words))[:40]}, over TCP and UDP', got,
              [(0, f'{result}\n', '')] * 2)

tap.equal('options before, between and behind the numbers',
          [answer_of(*to, 'sum', 1, '-2'), answer_of('sum', 1, *to, -2),
           answer_of('--udp', 'sum', '--id=7', -1, -1, *to), answer_of(*to, '--', 'sum', -2)],
          [(0, '-1\n', ''), (0, '-1\n', ''), (0, '-2\n', ''), (0, '-2\n', '')])
tap.equal('every way to write the address',
          [answer_of('sum', 5, '--to', form) for form in (
              f'127.0.0.1:{port}', f'localhost:{port}', f'[::1]:{port}', f':{port}',
              f'127.0.0.1 {port}', f'::1 {port}')], [(0, '5\n', '')] * 6)
tap.equal('--order be', [answer_of('sum', 1, 2, '--order', 'be', '--to', f':{big_port}', *more)
                         for more in ([], ['--udp'])], [(0, '3\n', '')] * 2)
done = calc('sum', *[1] * 254, *to)
tap.equal('254 numbers: a warning, and the answer',
          (done.returncode, done.stdout, done.stderr),
          (0, '254\n', 'sonde: 254 numbers: many servers read 1024 bytes at once, which is '
           '253 numbers\n'))
tap.equal('-q: no warning', answer_of('sum', *[1] * 255, *to, '-q'), (0, '255\n', ''))
done = calc('sum', 1, *to, '-v')
tap.check('-v: how long it took', done.stdout == '1\n' and
          re.fullmatch(r'sonde: answered within [0-9.]+ .?s\n', done.stderr), done.stderr)

lines = [json.loads(line) for line in calc('sum', 1, -3, '--id', 77, '--json', *to).stdout.splitlines()]
tap.check('--json', [line['event'] for line in lines] == ['start', 'result'] and
          lines[1].items() >= {'operation': 'Summe', 'numbers': 2, 'id': 77, 'result': -2}.items(),
          lines)

for words, text in ((['sum', 2**31 - 1, 1], 'the result does not fit into 32 bits'),
                    (['min'], 'Minimum of no numbers does not exist')):
    status, out, err = answer_of(*words, *to)
    tap.check(f'{words[0]} without an answer, TCP: closed, and why', (status, out) == (1, '') and
              f'sonde: ask 127.0.0.1:{port}/tcp: the server closed the connection before the '
              'answer (0 of 8 bytes came)\n' in err and f'hint: {text}' in err, (status, err))
    started = time.monotonic()
    status, out, err = answer_of(*words, *to, '--udp', '--timeout', '300ms')
    took = time.monotonic() - started
    tap.check(f'{words[0]} without an answer, UDP: silence, and why', (status, out) == (1, '') and
              f'sonde: ask 127.0.0.1:{port}/udp: no answer within 300 ms: the server may not '
              'know' in err and f'hint: {text}' in err and 0.3 <= took < 30, (status, err, took))
full = netns.run(['bash', '-c', f'"{netns.SONDE}" calc sum 1 --to :{port} >/dev/full'])
tap.check('no room for the result: exit status 4, and why',
          full.returncode == 4 and 'ENOSPC' in full.stderr, (full.returncode, full.stderr))
server.stop()

# --- dialects and orders, against our own server; test_dialect has the bytes

DIALECTS = ('sheet', 'fixed7', 'fixed8', 'fixed10', 'fixed64', 'three', 'one', 'lenprefix')
specs = [f'calc@:0,dialect={dialect},order={order}'
         for dialect in DIALECTS for order in ('le', 'be', 'auto')]
many = Server(*specs)
found = {}
for number, (dialect, order) in zip(many.ports, [(d, o) for d in DIALECTS
                                                 for o in ('le', 'be', 'auto')]):
    for asked in ('le', 'be') if order == 'auto' else (order,):
        for more in ([], ['--udp']):
            found[dialect, order, asked, bool(more)] = answer_of(
                'product', -3, 14, '--dialect', dialect, '--order', asked, *more,
                '--to', f':{number}', '--timeout', '60s')
tap.equal('every dialect, order and transport', {key: value for key, value in found.items()
                                                 if value != (0, '-42\n', '')}, {})
tap.equal('and all were asked', len(found), 8 * 4 * 2)
ports = dict(zip(specs, many.ports))
answers = [calc('product', 300, 300, '-v', '--order', 'auto', '--dialect', 'fixed8', '--to',
                f':{ports[f"calc@:0,dialect=fixed8,order={order}"]}', '--timeout', '60s')
           for order in ('le', 'be')]
alike, apart = ([calc(*words, '-v', '--order', 'auto', '--timeout', '60s', '--to',
                      f':{ports[f"calc@:0,dialect=sheet,order={order}"]}') for order, words in asked]
                for asked in (
                    (('le', ('sum', 3, 4)), ('le', ('max', 5)), ('le', ('sum', 100, 100)),
                     ('be', ('sum', 3, 4)), ('be', ('max', 5))),
                    (('le', ('product', 6, 7)), ('le', ('min', 1, 256)), ('le', ('sum', 100, 200)),
                     ('be', ('sum', 100, 100)))))
wrong = [answer_of(*words, '--to', f':{ports[spec]}') for words, spec in (
    (('sum', 100, 200), 'calc@:0,dialect=sheet,order=be'),
    (('product', 6, 7, '--order', 'auto', '--dialect', 'fixed8'), 'calc@:0,dialect=fixed7,order=le'))]
tap.check('a result that cannot be right is printed, said, and no success',
          [done[0] for done in wrong] == [1, 1] and wrong[0][1] == '44\n' and
          'is wrong: the exact one is 300' in wrong[0][2] and '--order be' in wrong[0][2], wrong)
tap.check('--order auto finds the order of a server', [
    (done.returncode, done.stdout) for done in answers] == [(0, '90000\n')] * 2 and
          'it answers in little-endian order' in answers[0].stderr and
          'it answers in big-endian order' in answers[1].stderr, answers)
tap.check('and names none where a server of the other order may answer the same', [
    done.stdout for done in alike] == ['7\n', '5\n', '200\n', '7\n', '5\n'] and
          all('does not tell the byte orders apart' in done.stderr and
              'it answers in' not in done.stderr for done in alike) and
          all(f'it answers in {order}-endian order' in done.stderr for order, done in zip(
              ('little', 'little', 'little', 'big'), apart)), (alike, apart))


def cut_in_three(port):
    """A request without an N, which the server reads in three parts; its answer."""
    message = b'\1\0\0\0\5Summe' + struct.pack('<3i', 1, 2, 3)
    with tcp(port) as sock:
        name = f'127.0.0.1:{sock.getsockname()[1]}/tcp'
        for count, (start, end) in enumerate(((0, 14), (14, 19), (19, 22)), 1):
            sock.send(message[start:end])
            netns.wait_until('it to be read', lambda: sum(
                name in line and 'received' in line for line in many.lines) == count)
        return read_exactly(sock, 8)


# A machine that is busy may pause by itself: then the numbers so far are the request.
for _ in range(8):
    answer = cut_in_three(ports['calc@:0,dialect=lenprefix,order=le'])
    if answer == reply(1, 6):
        break
tap.equal('lenprefix over TCP: a request in three reads ends with a pause', answer, reply(1, 6))
wrong = answer_of('sum', 1, 2, '--dialect', 'three', '--to', f':{many.ports[0]}')
tap.check('the wrong dialect: closed, and what that may mean', wrong[:2] == (1, '') and
          'another byte order or dialect: --order, --dialect' in wrong[2], wrong)
done = calc('sum', *[1] * 240, '--dialect', 'fixed64', '--to',
            f':{ports["calc@:0,dialect=fixed64,order=le"]}')
tap.check('a dialect with longer words: the warning is for fewer numbers',
          done.stdout == '240\n' and '240 numbers: many servers read 1024 bytes at once, which '
          'is 238 numbers' in done.stderr, done)
many.stop()

policies = Server(*(f'calc@:0,on-error={policy}' for policy in ('zero', 'wrap', 'saturate')))
tap.equal('on-error: a result where there is none', [
    [answer_of(*words, '--to', f':{number}')[1] for number in policies.ports]
    for words in (('sum', 2**31 - 1, 1), ('product', 65537, -65537), ('min',), ('max',))],
          [['0\n', f'{-2**31}\n', f'{2**31 - 1}\n'], ['0\n', '-131073\n', f'{-2**31}\n'],
           ['0\n', '0\n', f'{2**31 - 1}\n'], ['0\n', '0\n', f'{-2**31}\n']])
tap.check('and the log says that there is none', policies.wait_line(
    r'answered 1 request, 8 bytes: ID 1: Summe of 2 numbers does not fit into 32 bits; '
    r'answered 0 \(on-error=zero\)'))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(60)
    sock.sendto(request(9, 'Quotient', 1), ('127.0.0.1', policies.ports[0]))
    tap.equal('on-error=zero: an unknown word gets 0 over UDP', sock.recv(100), reply(9, 0))
tap.check('and that, too', policies.wait_line(
    r'answered 1 request, 8 bytes: ID 9: unknown operation "Quotien"; answered 0 '))
status, lines, _ = policies.stop()
tap.check('none of them counts as refused', status == 0 and lines[-1].endswith(', 0 refused'),
          lines[-1])

# --- nobody there

for more, what in (([], 'connect 127.0.0.1:{}/tcp'), (['--udp'], 'ask 127.0.0.1:{}/udp')):
    status, out, err = answer_of('sum', 1, *to, *more)
    tap.equal(f'nobody listens: refused {" ".join(more)}', (status, out, err),
              (1, '', f'sonde: {what.format(port)}: Connection refused (ECONNREFUSED)\n'
               'hint: nothing listens there; `sonde serve calc` would\n'))
started = time.monotonic()
status, out, err = answer_of('sum', 1, '--to', f'192.0.2.1:{port}', '--timeout', '0.4s')
took = time.monotonic() - started
tap.check('a machine that is not there: the deadline holds for the connect',
          status == 1 and f'connect 192.0.2.1:{port}/tcp: no connection within 400 ms '
          '(ETIMEDOUT)' in err and 0.4 <= took < 30, (status, err, took))
status, out, err = answer_of('sum', 1, '--to', f'no-such-host.invalid:{port}')
tap.check('a name that nobody knows', status == 1 and 'look up no-such-host.invalid' in err,
          (status, err))

# --- servers that are not ours


@contextlib.contextmanager
def serve(kind, handle, host='127.0.0.1'):
    """A server that calls handle(sock) for each connection, or once for UDP."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        sock.settimeout(60)
        if kind == socket.SOCK_STREAM:
            sock.listen()

        def run():
            if kind == socket.SOCK_DGRAM:
                handle(sock)
                return
            with contextlib.suppress(OSError):
                with sock.accept()[0] as connection:
                    connection.settimeout(60)
                    handle(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        thread.join(60)


def ask_tcp(handle, *words):
    with serve(socket.SOCK_STREAM, handle) as number:
        return answer_of(*(words or ('sum', 1, 2)), '--to', f':{number}'), number


def ask_udp(handle, *words):
    with serve(socket.SOCK_DGRAM, handle) as number:
        return answer_of(*(words or ('sum', 1, 2)), '--udp', '--to', f'127.0.0.1:{number}'), number


question = request(1, 'Summe', 1, 2)
seen = []


def byte_by_byte(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    seen.append(read_exactly(sock, len(question)))
    for byte in reply(1, 3):
        sock.sendall(bytes([byte]))
        time.sleep(0.01)
    seen.append(sock.recv(1))


tap.equal('an answer that comes byte by byte', ask_tcp(byte_by_byte)[0], (0, '3\n', ''))
tap.equal('the bytes of the question, and nothing behind them', seen, [question, b''])

(got, number) = ask_tcp(lambda sock: sock.sendall(reply(1, 3)[:5]) or read_exactly(sock, 18))
tap.check('a server that closes within the answer', got[0] == 1 and
          f'sonde: ask 127.0.0.1:{number}/tcp: the server closed the connection before the '
          'answer (5 of 8 bytes came)\nhint: ' in got[2], got)


def slam(sock):
    sock.recv(4)  # what is left unread makes the close a reset
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


(got, number) = ask_tcp(slam)
tap.check('a server that resets the connection', got[0] == 1 and
          'the server reset the connection before the answer (ECONNRESET)' in got[2], got)

(got, number) = ask_tcp(lambda sock: read_exactly(sock, 18) and sock.sendall(reply(9, 3)))
tap.check('an answer with another ID', got[:2] == (1, '') and
          f'sonde: ask 127.0.0.1:{number}/tcp: the answer has the ID 9, the question has 1\n'
          in got[2], got)

(got, number) = ask_tcp(lambda sock: sock.recv(100) and sock.recv(100), 'sum', 1,
                        '--timeout', '300ms')
tap.check('a server that reads and stays silent', got[:2] == (1, '') and
          'no answer within 300 ms: the server may not know the operation, or have no answer '
          'to it\nhint: it may expect another byte order or dialect: '
          '--order, --dialect\n' in got[2], got)


def drip(sock):
    with contextlib.suppress(OSError):
        for byte in reply(1, 3):
            sock.sendall(bytes([byte]))
            time.sleep(0.2)


# A client that stands still until all of it has come may take it.
for _ in range(5):
    (got, number) = ask_tcp(drip, 'sum', 1, 2, '--timeout', '500ms')
    if got[0] != 0:
        break
tap.check('the deadline is for all of the answer, not for each byte',
          got[0] == 1 and 'no answer within 500 ms' in got[2], got)


def others_first(sock):
    data, peer = sock.recvfrom(2000)
    for other in (reply(2, 77), b'', reply(1, 5)[:7], reply(1, 5) + b'x', reply(1, 3)):
        sock.sendto(other, peer)


tap.equal('UDP: what is no answer to this question is passed over', ask_udp(others_first)[0],
          (0, '3\n', ''))


def others_only(sock):
    data, peer = sock.recvfrom(2000)
    sock.sendto(reply(2, 77), peer)
    sock.sendto(reply(3, 77), peer)


(got, number) = ask_udp(others_only, 'sum', 1, '--timeout', '2s')
tap.check('UDP: silence but for those', got[:2] == (1, '') and
          'no answer within 2 s (2 other datagrams came): ' in got[2] and
          'hint: a datagram may also get lost: ask again, or over TCP' in got[2], got)

with serve(socket.SOCK_STREAM, lambda sock: sock.sendall(reply(1, 3)) or sock.recv(100),
           '::1') as number:
    tap.equal('only IPv6 answers: all addresses are tried', answer_of('sum', 1, 2, '--to',
                                                                      f':{number}'), (0, '3\n', ''))


def udp_six(sock):
    data, peer = sock.recvfrom(2000)
    sock.sendto(reply(1, 3), peer)


with serve(socket.SOCK_DGRAM, udp_six, '::1') as number:
    tap.equal('over UDP, too', answer_of('sum', 1, 2, '--udp', '--to', f':{number}'),
              (0, '3\n', ''))

# --- the command line

for words, text in (
        ([], 'name an operation'),
        (['summ', 1], 'sonde: calc summ: no such operation\nhint: did you mean sum?'),
        (['Summ', 1], 'sonde: calc Summ: no such operation\nhint: did you mean Summe?'),
        (['sum', 1, '--oder', 'be'], 'sonde: calc --oder: no such option\nhint: did you mean --order?'),
        (['sum', 1, '--order', 'eb'], 'hint: did you mean be? (one of le, be, auto)'),
        (['quotient', 1], 'hint: sum, product, min or max'),
        (['sum', '1.5'], 'sonde: calc 1.5: it is no whole number'),
        (['sum', '--', '-x'], 'sonde: calc -x: it is no whole number'),
        (['sum', 2**31], f'sonde: calc {2**31}: it does not fit into 32 bits'),
        (['sum', *[1] * 256], '256 numbers: the protocol has room for 255'),
        (['sum', 1, '--id', -1], '--id'),
        (['sum', 1, '--id', 2**32], '--id'),
        (['sum', 1, '--order', 'me'], '--order'),
        (['sum', 1, '--timeout', '5'], '--timeout'),
        (['sum', 1, '--quux'], 'no such option'),
        (['sum', 1, '--to', '*:50000'], 'no server can be reached there'),
        (['sum', 1, '--to', 'localhost:0'], 'no server can be reached there'),
        (['sum', 1, '--to', '1.2.3:50000'], 'it is no IPv4 address'),
        (['sum', 1, '--to', 'localhost:x'], 'use port x')):
    status, out, err = answer_of(*words)
    tap.check(f'refused: calc {" ".join(map(str, words))[:50]}',
              (status, out) == (2, '') and text in err, (status, out, err))
tap.done()
