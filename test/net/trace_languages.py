#!/usr/bin/python3
"""Programs in Go and Rust, compiled here: every statement at its line, and never in the
language's own library.  Of a Perl program there are calls without lines, which is said.

    client 127.0.0.1:* ---- lo, in a namespace of sonde's own ---- 127.0.0.1:50000 server

traced.py tells how statements and packets are called here.
"""

import os
import re

import netns
from tap import tap
from traced import PROGRAMS, Trace, check_always, rows
from truth import WAIT_PACKETS, WAIT_STATEMENTS, scenario

BUILT = netns.scratch()
GO = {'GOCACHE': os.path.join(BUILT, 'cache'), 'GOPATH': os.path.join(BUILT, 'path'),
      'GO111MODULE': 'off', 'GOFLAGS': '', 'GOPROXY': 'off', 'GOTOOLCHAIN': 'local'}


def compiled(name, *argv):
    path = os.path.join(BUILT, name)
    done = netns.run([*argv[:-1], '-o', path, argv[-1]], env={**os.environ, **GO})
    tap.equal(f'{name} is compiled', (done.returncode, done.stderr), (0, ''))
    return path


def rust(name, source, *options):
    return compiled(name, '/usr/bin/rustc', *options, source)


def go(name, source):
    return compiled(name, '/usr/bin/go', 'build', source)


os.chdir(PROGRAMS)

# ---- Rust: threads wait in their own calls, so both tables are the usual ones ----

for build, options in ('Rust', ['-g']), ('Rust, optimised', ['-g', '-O']):
    rust_client = rust('rust_client', 'wait_client.rs', *options)
    rust_server = rust('rust_server', 'wait_server.rs', *options)
    scenario(build, WAIT_PACKETS, WAIT_STATEMENTS, [rust_client], [rust_server],
             stdout='EIGHTEEN\n')

# Rust's own library has lines even where the program has none: they are nobody's.
bare = rust('bare_client', 'wait_client.rs')
trace = scenario('Rust without -g', WAIT_PACKETS.replace('client.send', 'client:sendto')
                 .replace('client.', 'client:'),
                 WAIT_STATEMENTS.replace('client.answer', 'client:recvfrom')
                 .replace('client.', 'client:'), [bare], [rust_server], stdout='EIGHTEEN\n')
if trace:
    told = {each['function'] for each in trace.statements.values()
            if trace.programs[each['program']]['name'] == 'bare_client' and
            trace.calls[each['calls'][0]]['name'] != 'exit_group'}
    tap.check('Rust without -g: function and offset, of the program itself',
              told and all(re.fullmatch(r'wait_client::main\+0x[0-9a-f]+', str(each))
                           for each in told), told)

# ---- Go: goroutines wait, and one thread waits for all of them in the runtime ----

LINES = {('client', 'connect'): {'client.connect'}, ('client', 'write'): {'client.send'},
           ('client', 'read'): {'client.answer'}, ('client', 'close'): {'client.close'},
           ('server', 'listen'): {'server.listen'}, ('server', 'accept4'): {'server.accept'},
           ('server', 'read'): {'server.request', 'server.end'},
           ('server', 'write'): {'server.reply'},
           ('server', 'close'): {'server.close', 'server.close-listening'}}


def side(trace, call):
    return trace.programs[call['program']]['name'].split('_')[-1]


def check_go(name, client, server):
    trace = Trace([client], [server])
    if not tap.equal(f'{name}: the programs end as they do by themselves',
                     (trace.done.returncode, trace.done.stdout), (0, 'EIGHTEEN\n')):
        tap.check(f'{name}: what was said', False, trace.done.stderr)
        return
    tap.equal(f'{name}: packet -> statement', trace.packet_table(), rows(WAIT_PACKETS))
    check_always(name, trace)

    statement_of = {number: each for each in trace.statements.values()
                    for number in each['calls']}
    lines, waits = {}, []
    for call in trace.calls.values():
        statement = statement_of[call['call']]
        if call['name'] == 'epoll_pwait':
            waits.append((call, statement))
        elif (side(trace, call), call['name']) in LINES:
            lines.setdefault((side(trace, call), call['name']), set()).add(
                trace.name(statement))
    tap.equal(f'{name}: each call at its line', lines, LINES)
    tap.check(f'{name}: the runtime waits, without a line',
              waits and all(each['file'] is None and each['function'] == 'runtime.epollwait'
                            for _, each in waits), waits)
    tap.check(f'{name}: and such a wait is a statement of its own',
              all(trace.calls[number]['name'] == 'epoll_pwait' for _, each in waits
                  for number in each['calls']), waits)
    # Beyond the change of stacks lies what another function left there.
    beyond = {call['stack'][-1]['function'] for call, _ in waits}
    tap.check(f'{name}: its stack ends where the runtime changed stacks',
              beyond <= {'runtime.mcall', 'runtime.mstart', 'runtime.systemstack',
                         'runtime.goexit', 'runtime.rt0_go', 'runtime.morestack'}, beyond)
    by = {trace.calls[edge['call']]['name']
          for edges in trace.completed.values() for edge in edges}
    tap.equal(f'{name}: packets complete the wait of the runtime alone', by - {'epoll_pwait'},
              set())


go_client = go('go_client', 'wait_client.go')
go_server = go('go_server', 'wait_server.go')
check_go('Go', go_client, go_server)

# A goroutine of Go's own: no line of that library, and the function it began with.
go_http = go('go_http', 'http_client.go')
trace = Trace([go_http])
tap.equal('Go, HTTP: the program ends as by itself',
          (trace.done.returncode, trace.done.stdout), (0, 'done\n'))
senders = [trace.statements[edge['statement']] for packet in trace.events['packet']
           if packet['len'] for edge in trace.sent[packet['packet']]]
tap.check('Go, HTTP: request and answer come from functions of it, without a line',
          len(senders) == 2 and all(
              each['file'] is None and each['function'].startswith('net/http.(*')
              for each in senders), senders)

# ---- another language: what its interpreter does ----

trace = Trace(['/usr/bin/perl', 'perl_client.pl'], [go_server])
tap.equal('Perl: the programs end as they do by themselves',
          (trace.done.returncode, trace.done.stdout), (0, 'EIGHTEEN\n'))
tap.equal('Perl: packet -> statement', trace.packet_table(), rows('''
    1 client S      client:connect
    2 server SA     -
    3 client A      -
    4 client PA+18  client:sendto
    5 server PA+8   server.reply
    6 client FA     client:close
    7 server FA     server.close
'''))
wrong = [each for each in trace.statements.values()
         if side(trace, trace.calls[each['calls'][0]]).startswith('client') and
         (each['file'] or each['line'])]
tap.equal('Perl: no statement has a line', wrong, [])
kinds = [each['lines'] for each in trace.events['program']
         if each['name'] == 'perl_client.pl' and each['lines'] != 'untried']
tap.equal('Perl: how lines are read, of parent and child', kinds, ['symbols', 'symbols'])
text = Trace(['/usr/bin/perl', 'perl_client.pl'], [go_server], '--text').output
said = [line for line in text.splitlines() if 'in place of lines' in line]
tap.equal('Perl: that there are none is said once', said,
          ['no debug information, functions in place of lines: perl_client.pl'])

# ---- a runtime that has lines of its own: they are not those of the script it runs ----

runtime = os.path.join(BUILT, 'node')
source = os.path.join(BUILT, 'runtime.c')
with open(source, 'w', encoding='utf-8') as file:
    file.write('#include <sys/socket.h>\n#include <unistd.h>\n'
               'int main(void)\n{\n\treturn close(socket(AF_INET, SOCK_STREAM, 0));\n}\n')
compiled('node', '/usr/bin/cc', '-g', source)
trace = Trace([runtime])
tap.check('a runtime with lines of its own', any(each['line'] for each in trace.statements.values()))
trace = Trace([runtime, 'script.js'])
mine = [each for each in trace.events['program'] if each['name'] == 'script.js']
tap.equal('a script of a runtime with lines: none are read', [each['lines'] for each in mine], ['no-reader'])
wrong = [each for each in trace.statements.values()
         if trace.programs[each['program']]['name'] == 'script.js' and (each['file'] or each['line'] or each['function'])]
tap.equal('no statement of it has one', wrong, [])
text = Trace([runtime, 'script.js'], (), '--text').output
tap.equal('and that is said', [line for line in text.splitlines() if 'no source lines' in line],
          ['no source lines are read of: script.js'])
tap.done()
