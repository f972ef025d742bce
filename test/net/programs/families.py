"""Forks, execs, threads, vfork and posix_spawn, in the mixtures that are hard to follow."""
import os
import socket
import subprocess
import sys
import threading

sys.stdout.reconfigure(line_buffering=True)

# Three generations; each exit status goes up.
pid = os.fork()
if pid == 0:
    pid = os.fork()
    if pid == 0:
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) + 1)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) + 1)
print('generations', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

# A child that a signal ends, a program that cannot be started.
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), 11)
print('ended by', -os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    subprocess.run(['/nonexistent'], check=False)
except FileNotFoundError as error:
    print(error)

print('vfork', subprocess.run(['/bin/echo', 'hello'], capture_output=True, check=True).stdout)
pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 5'], os.environ)
print('posix_spawn', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print('pipeline', subprocess.run('seq 1000 | sort -n | tail -n 1', shell=True,
                                 capture_output=True, check=True).stdout)

# Threads that use sockets while others fork.
total = []


def work(number):
    left, right = socket.socketpair()
    for _ in range(10):
        left.send(bytes([number]))
        total.append(right.recv(1)[0])
        if number % 5 == 0:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)


threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print('threads', len(total), sum(total))

# An exec in a thread that is not the first: the process goes on under its own number.
pid = os.fork()
if pid == 0:
    threading.Thread(target=lambda: os.execv(
        '/bin/sh', ['sh', '-c', f'test $$ = {os.getpid()} && exit 9'])).start()
    threading.Event().wait()
print('exec in a thread', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

# The last of all: this program becomes another one.
os.execv('/bin/sh', ['sh', '-c', 'echo exec; exit 4'])
