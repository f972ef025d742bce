#!/usr/bin/python3
"""`sonde scan --explain`: an open and a closed port, over TCP and UDP, with their packets.
LeakSanitizer: off, because the program that is traced is sonde itself.

    sonde scan ---- lo (127.0.0.1) ---- sonde serve tell
"""

import netns
from serving import Server
from tap import tap

netns.enter()
server = Server('tell@127.0.0.1:12345', listening=2)
done = netns.run([netns.SONDE, 'scan', '--explain', '12345', '127.0.0.1'])
text = done.stdout
tap.check('TCP and UDP, the port and a closed one', done.returncode == 0 and
          '\nTCP, port 12345, and beside it port ' in '\n' + text and
          '\nUDP, port 12345, and beside it port ' in text, done)
tcp, _, udp = text.partition('\nUDP, port')
tap.check('the packets of TCP', all(word in tcp for word in (' SYN ', ' SYN,ACK ', ' RST,ACK ')), tcp)
tap.check('the packets of UDP', 'UDP 9 bytes' in udp and 'UDP 22 bytes' in udp, udp)
tap.check('sentences', '12345/tcp is open.' in tcp and '10061' in tcp and '12345/udp is open.' in udp and
          'port unreachable' in udp, text)
tap.check('no line is wider than 80', max(map(len, text.splitlines())) <= 80, text)
for words, reason in ((['--explain', '7', '--json', 'localhost'], 'together'), (['--explain', '7'], 'one target'),
                      (['--explain', '0', 'localhost'], '--explain'),
                      (['--explain', '7', '192.0.2.1'], 'public address')):
    done = netns.run([netns.SONDE, 'scan', *words])
    tap.check('refused: ' + ' '.join(words), done.returncode == 2 and reason in done.stderr, done)
tap.done()
