"""Signals, stops and timers of a program with children."""
import os
import select
import signal
import socket
import time

log = []


def wait_for(pid, options):
    _, status = os.waitpid(pid, options)
    if os.WIFSTOPPED(status):
        return f'stopped by {os.WSTOPSIG(status)}'
    if os.WIFCONTINUED(status):
        return 'continued'
    if os.WIFSIGNALED(status):
        return f'ended by {os.WTERMSIG(status)}'
    return f'exited with {os.WEXITSTATUS(status)}'


def sleeper():
    pid = os.fork()
    # In a group of its own: SIGTSTP does not stop a group without a parent in the session.
    os.setpgid(pid, 0)
    if pid == 0:
        while True:
            time.sleep(100)
    return pid


# Stop, continue, end, as a shell sees it.
pid = sleeper()
for number in signal.SIGSTOP, signal.SIGCONT, signal.SIGTSTP, signal.SIGCONT, signal.SIGTERM:
    os.kill(pid, number)
    print('child', wait_for(pid, os.WUNTRACED | os.WCONTINUED))

# A handler runs once for each child that ends.
ended = 0


def child_ended(number, frame):
    global ended
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ended += 1


signal.signal(signal.SIGCHLD, child_ended)
for count in range(20):
    if os.fork() == 0:
        os._exit(count)
while ended < 20:
    time.sleep(0.01)
print('children that ended', ended)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)

# A timer interrupts calls on sockets, and they go on.
ticks = 0


def tick(number, frame):
    global ticks
    ticks += 1


signal.signal(signal.SIGALRM, tick)
left, right = socket.socketpair()
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
begun = time.monotonic()
print('poll says', select.select([left], [], [], 0.3)[0])
print('it took the whole time', time.monotonic() - begun >= 0.3)
left.settimeout(0.3)
try:
    left.recv(1)
except TimeoutError:
    print('recv timed out')
signal.setitimer(signal.ITIMER_REAL, 0)
print('ticks', ticks >= 5)

# A stopped and continued wait keeps its time and its meaning.
pid = os.fork()
if pid == 0:
    begun = time.monotonic()
    ready = select.select([left], [], [], 0.5)[0]
    waited = time.monotonic() - begun
    os._exit(0 if not ready and 0.5 <= waited else 1)
time.sleep(0.1)
os.kill(pid, signal.SIGSTOP)
print('waiting child', wait_for(pid, os.WUNTRACED))
os.kill(pid, signal.SIGCONT)
print('waiting child', wait_for(pid, 0))

# Blocked, pending, taken by sigwait.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
print('pending', signal.SIGUSR1 in signal.sigpending())
print('taken', signal.sigwait([signal.SIGUSR1]))

# Real-time signals are queued, each with its value's worth of one.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
for count in range(3):
    os.kill(os.getpid(), signal.SIGRTMIN)
print('queued', sum(1 for count in range(3)
                    if signal.sigtimedwait([signal.SIGRTMIN], 1)),
      signal.sigtimedwait([signal.SIGRTMIN], 0))
