#!/usr/bin/python3
"""`sonde calc --bench`: what it counts, and that a pause of the server is not hidden.

    sonde calc --bench ---- lo ---- sonde serve, or a server of this test
"""

import json
import signal
import socket
import subprocess
import threading
import time

import netns
from serving import Server
from tap import tap

netns.enter()


def bench(*words):
    done = netns.run([netns.SONDE, 'calc', '--bench', '--json', *words])
    lines = done.stdout.splitlines()
    if done.returncode != 0:
        return done
    return json.loads(lines[-1])


def undisturbed(run, holds):
    """The result of run(), again where a busy machine may have spoilt it: what never holds
    is wrong, whatever the machine does."""
    for _ in range(6):
        got = run()
        if isinstance(got, dict) and holds(got):
            break
    return got


def refused(title, words, status, *texts):
    done = netns.run([netns.SONDE, 'calc', *words])
    tap.check(title, done.returncode == status and done.stdout == '' and
              all(text in done.stderr for text in texts), (done.returncode, done.stderr))


server = Server('calc@:0', 'echo@:0', 'calc@:0,dialect=fixed8,order=be', '-q')
calc, echo, fixed8 = (f':{port}' for port in server.ports)
for words in (['--to', calc], ['--to', calc, '--udp'], ['--to', echo, '--service', 'echo'],
              ['--to', echo, '--service', 'echo', '--udp'],
              ['--to', calc, 'product', '-3', '70000', '5'],
              ['--to', fixed8, '--dialect', 'fixed8', '--order', 'be']):
    for shape in ([], ['--connections', '20', '--depth', '16']):
        got = undisturbed(lambda load=(*words, *shape): bench('--for', '200ms', *load),
                          lambda got: got['answered'] > 50)
        title = ' '.join(words[2:] + shape) or 'one connection'
        if not isinstance(got, dict):
            tap.not_ok(title, got)
            continue
        tap.check(f'closed loop, {title}: counted for 9 tenths of the time, nothing lost',
                  got['counted_ns'] == 180000000 and got['lost'] == 0 == got['unanswered'] and
                  got['answered'] > 0 and
                  abs(got['per_second'] - got['answered'] / 0.18) <= 1, got)
        tap.check(f'closed loop, {title}: quantiles in order',
                  0 < got['p50_ns'] <= got['p99_ns'] <= got['p999_ns'] <= got['max_ns'], got)
for words in (['--to', calc], ['--to', calc, '--udp']):
    got = undisturbed(lambda to=words: bench('--for', '1s', '--rate', '400', '--connections', '7',
                                             *to), lambda got: got['answered'] == 360)
    tap.check(f'open loop, {words[-1]}: 400 a second for 9 tenths of a second are 360',
              isinstance(got, dict) and got['answered'] == 360 and got['rate'] == 400, got)
text = netns.run([netns.SONDE, 'calc', '--bench', '--for', '100ms', '--to', calc]).stdout
tap.check('as text: three lines', len(text.splitlines()) == 3 and 'closed loop' in text and
          'p99.9 ' in text, text)

# --- nothing is counted: two requests, one before the count begins, one after its end

for words in ([], ['--json']):
    done = netns.run([netns.SONDE, 'calc', '--bench', '--for', '1s', '--rate', '1', '--to', calc, *words])
    tap.check(f'no answer is no latency of 0 {words}', done.returncode == 1 and 'latency' not in done.stdout and
              (not words or '"answered":0,' in done.stdout and '"p50_ns":null,' in done.stdout) and
              'no answer came in the time that is counted\nhint: ' in done.stderr, done)

# --- a server that pauses


def with_pause(*words):
    """Stops the server for half of a second in the middle of two."""
    process = netns.background([netns.SONDE, 'calc', '--bench', '--json', '--for', '2s',
                                '--to', calc, *words], stdout=subprocess.PIPE, text=True)
    time.sleep(0.8)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    server.process.send_signal(signal.SIGCONT)
    return json.loads(process.communicate(timeout=60)[0].splitlines()[-1])


def paused(title, holds, *words):
    got = undisturbed(lambda: with_pause(*words), holds)
    tap.check(title, holds(got), got)


paused('closed loop: the pause is one slow answer among thousands',
       lambda got: got['max_ns'] > 450e6 and got['p99_ns'] < 100e6)
paused('open loop: it is in the p99, because a quarter of all was due in it',
       lambda got: got['answered'] == 1800 and got['max_ns'] > 450e6 and got['p99_ns'] > 400e6,
       '--rate', '1000')
paused('also where only 8 may be on their way, and the others have to wait for them',
       lambda got: (got['answered'] == 360 and got['p99_ns'] > 400e6 and
                    got['p50_ns'] < 100e6),
       '--rate', '200', '--connections', '4', '--depth', '2')
status = server.stop()
tap.equal('the server has seen nothing wrong', (status[0], status[2]), (0, ''))

# --- a server that is too slow, loses, is wrong, closes, is silent


def slow(sock):
    """Answers 200 requests a second."""
    held = b''
    while True:
        data = sock.recv(65536)
        if not data:
            return
        held += data
        while len(held) >= 16:
            time.sleep(0.005)
            sock.sendall(held[:4] + b'\3\0\0\0')
            held = held[16:]


def closing(sock):
    for _ in range(3):
        sock.sendall(sock.recv(100)[:4] + b'\3\0\0\0')
    sock.shutdown(socket.SHUT_WR)
    silent(sock)


def silent(sock):
    while sock.recv(100):
        pass


def wrong(sock):
    sock.sendall(sock.recv(100)[:4] + b'\4\0\0\0')
    silent(sock)


def serve_tcp(handle):
    listener = socket.create_server(('127.0.0.1', 0))

    def run():
        while True:
            sock = listener.accept()[0]
            threading.Thread(target=quietly, args=(handle, sock), daemon=True).start()

    def quietly(handle, sock):
        try:
            handle(sock)
        except OSError:
            pass
    threading.Thread(target=run, daemon=True).start()
    return f':{listener.getsockname()[1]}'


def is_too_slow(got):
    return got['unanswered'] > 20 and got['answered'] + got['unanswered'] == 360 and \
        got['max_ns'] > 500e6


got = undisturbed(lambda: bench('--to', serve_tcp(slow), '--for', '1s', '--rate', '400',
                                '--timeout', '500ms', 'product', '3'), is_too_slow)
tap.check('open loop, a server that is too slow: what is not answered counts',
          isinstance(got, dict) and is_too_slow(got), got)


def lossy():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('127.0.0.1', 0))

    def run():
        for i in range(10 ** 9):
            data, peer = sock.recvfrom(100)
            if i % 4:
                sock.sendto(data[:4] + b'\3\0\0\0', peer)
                sock.sendto(data[:4] + b'\3\0\0\0', peer)  # doubled: one counts
    threading.Thread(target=run, daemon=True).start()
    return f':{sock.getsockname()[1]}'


def has_lost_a_fourth(got):
    return got['lost'] == 90 and got['answered'] == 270


got = undisturbed(lambda: bench('--udp', '--to', lossy(), '--for', '1s', '--rate', '400',
                                '--timeout', '1s', '--connections', '5', '--depth', '100'),
                  has_lost_a_fourth)
tap.check('UDP: every fourth datagram is lost, and counted',
          isinstance(got, dict) and has_lost_a_fourth(got), got)
refused('a wrong answer', ['--bench', '--to', serve_tcp(wrong)], 1, 'answer to request 0', 'wrong')
refused('a server that closes', ['--bench', '--to', serve_tcp(closing)], 1,
        'closed a connection after 3 answers')
refused('silence', ['--bench', '--timeout', '300ms', '--to', serve_tcp(silent)], 1,
        'no answer any more: 1 request')
refused('nobody listens', ['--bench', '--to', ':1'], 1, 'ECONNREFUSED', 'sonde serve')
refused('nobody listens, UDP', ['--bench', '--udp', '--to', ':1'], 1, 'ECONNREFUSED')
few = netns.run(['bash', '-c', 'ulimit -n 40; exec "$@"', '-', netns.SONDE, 'calc', '--bench',
                 '--connections', '100', '--to', serve_tcp(silent)])
tap.check('too few descriptors: exit status 4, and the remedy',
          few.returncode == 4 and 'EMFILE' in few.stderr and 'ulimit -n' in few.stderr, few.stderr)

# --- stopped

def full():
    """A listener whose queue is full: the next connection waits for ever."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(0)
    waiting = []
    for _ in range(3):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    return (listener, waiting), f':{listener.getsockname()[1]}'


def start(*words, lasts='1h'):
    return netns.background([netns.SONDE, 'calc', '--bench', '--for', lasts, *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def catches(process):
    """Whether it has got so far that SIGTERM does not simply end it."""
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        caught = next(line for line in status if line.startswith('SigCgt'))
    return int(caught.split()[1], 16) >> signal.SIGTERM - 1 & 1


def stopped(title, number, words, holds):
    for kind in ([], ['--json']):
        process = start(*words, *kind)
        netns.wait_until('it catches signals', lambda process=process: catches(process))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        got = json.loads(out.splitlines()[-1]) if kind and out else out
        tap.check(f'stopped {kind}: {title}', process.returncode == 0 and err == '' and holds(got),
                  (process.returncode, out, err))


def has_none(got):
    if isinstance(got, dict):
        return not got['complete'] and got['answered'] == 0 == got['counted_ns'] and got['p50_ns'] is None
    return 'stopped early: ' in got and 'nothing is measured\n' in got and len(got.splitlines()) == 2


held, waits = full()
stopped('while it connects', signal.SIGINT, ['--to', waits, '--timeout', '0s'], has_none)
server = Server('calc@:0', 'echo@:0', '-q')
calc, echo = (f':{port}' for port in server.ports)
for words in (['--to', calc], ['--to', echo, '--service', 'echo', '--rate', '100'], ['--to', calc, '--udp']):
    stopped(f'in the first tenth {words[2:]}', signal.SIGTERM, words, has_none)


def has_some(got):
    if 'text' in got:
        lines = got['text'].splitlines()
        return len(lines) == 4 and lines[1] == 'stopped early: the time was not over' and 'latency: ' in lines[3]
    return (not got['complete'] and got['answered'] > 0 and 0 < got['counted_ns'] < 2.7e9 and
            got['unanswered'] == 0 and got['max_ns'] >= got['p50_ns'] > 0 and
            abs(got['per_second'] - got['answered'] * 1e9 / got['counted_ns']) <= 1)


def stop_in_time(words):
    """The first tenth of three seconds is over by then, and the rest is not."""
    process = start(*words, lasts='3s')
    netns.wait_until('it catches signals', lambda: catches(process))
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if process.returncode != 0 or err != '':
        return process.returncode, out, err
    return json.loads(out.splitlines()[-1]) if '--json' in words else {'text': out}


for words in (['--to', calc], ['--to', calc, '--json'], ['--to', calc, '--rate', '1000', '--connections', '3', '--json'],
              ['--to', calc, '--udp', '--json'], ['--to', calc, '--udp', '--rate', '1000', '--json'],
              ['--to', echo, '--service', 'echo', '--json']):
    got = undisturbed(lambda load=words: stop_in_time(load), has_some)
    tap.check(f'stopped: what was measured {words[2:]}', isinstance(got, dict) and has_some(got), got)
process = start('--to', waits, '--timeout', '0s')
netns.wait_until('it catches signals', lambda: catches(process))
process.send_signal(signal.SIGSTOP)
process.send_signal(signal.SIGINT)
process.send_signal(signal.SIGTERM)
process.send_signal(signal.SIGCONT)
out, err = process.communicate(timeout=60)
tap.equal('a second signal ends it at once', (process.returncode, out, err), (-signal.SIGTERM, '', ''))
server.stop()

# --- usage

refused('--rate without --bench', ['--rate', '5', 'sum', '1'], 2, '--bench')
refused('a question without an answer', ['--bench', 'min'], 2, 'no answer')
refused('no byte order', ['--bench', '--order', 'auto'], 2, '--order')
refused('no time', ['--bench', '--for', '0s'], 2, '--for')
refused('next to no time', ['--bench', '--for', '1ns'], 2, '--for', '1ms')
refused('an ID for all of them', ['--bench', '--id', '5'], 2, '--id')
refused('a sum of an echo', ['--bench', '--service', 'echo', 'sum', '1'], 2, 'operation')
refused('the byte order of an echo', ['--bench', '--service', 'echo', '--order', 'be'], 2,
        '--order')
refused('the dialect of an echo', ['--bench', '--service', 'echo', '--dialect', 'one'], 2,
        '--dialect')
refused('no connections', ['--bench', '--connections', '0'], 2, '--connections')
tap.done()
