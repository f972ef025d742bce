"""What a program finds when it starts; only what tracing must not change."""
import os
import resource
import signal
import sys

# What this very program opens beside what it was given does not count.
print('descriptors', sorted(int(fd) for fd in os.listdir('/proc/self/fd')
                            if os.path.exists(f'/proc/self/fd/{fd}')))
print('arguments', sys.argv[1:])
print('folder', os.getcwd())
print('mask', oct(os.umask(0)))
print('variable', os.environ.get('SONDE_TEST_VARIABLE'))
print('added', sorted(name for name in os.environ if 'SONDE' in name))
print('priority', os.getpriority(os.PRIO_PROCESS, 0))
print('limit', resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE))
with open('/proc/self/status', encoding='utf-8') as file:
    for line in file:
        if line.startswith(('SigBlk', 'SigIgn', 'SigCgt', 'SigPnd', 'ShdPnd')):
            print(line.strip())
print('handlers', [number for number in range(1, 32)
                   if signal.getsignal(number) not in (signal.SIG_DFL, None)])
