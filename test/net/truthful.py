"""Traces of programs that know themselves what they did (programs/truth.py).

    program = Program(folder, ['python3', 'anything.py', '1'], '--isolate')
    program.wrong           what each wrong edge is, and why
    program.figures         how many edges of each kind, and how many are missing

Every edge is held against what the program recorded:

    sent        the packet's bytes are those that the statement gave; its SYN, FIN or RST
                belong to a connect, to the shutdown or the last close of that connection
    completed   the packet carries the first byte that the call got, or the SYN-ACK, the end
                of the handshake, the FIN or RST that it waited for
    taken       the bytes of a Unix socket or a pipe are those that the other statement gave

Where an edge is not exact, the true one must be among the candidates; and where the content of
a datagram tells which it is, the edge must be exact.
"""

import bisect
import collections
import glob
import json
import os
import struct

import netns

ENDED_BY = 'os._exit(status)'  # the line that ends a process


def read_frames(path):
    """frame number -> bytes of the packet; calls are frames as well."""
    with open(path, 'rb') as file:
        data = file.read()
    frames, at, number = {}, 0, 0
    while at < len(data):
        kind, length = struct.unpack_from('<II', data, at)
        if kind in (6, 9):
            number += 1
        if kind == 6:
            size, = struct.unpack_from('<I', data, at + 20)
            frames[number] = data[at + 28:at + 28 + size]
        at += length
    return frames


def payload_of(frame):
    """Of TCP or UDP in Ethernet."""
    kind, = struct.unpack_from('>H', frame, 12)
    if kind == 0x0800:
        at, proto = 14 + (frame[14] & 15) * 4, frame[23]
        end = 14 + struct.unpack_from('>H', frame, 16)[0]
    else:
        at, proto = 54, frame[20]
        end = 54 + struct.unpack_from('>H', frame, 18)[0]
    if proto == 17:
        return frame[at + 8:end]
    return frame[at + (frame[at + 12] >> 4) * 4:end] if proto == 6 else b''


def common(part, data):
    """How many of the first bytes of `part` stand in data."""
    low, high = 0, len(part)
    while low < high:
        middle = (low + high + 1) // 2
        if part[:middle] in data:
            low = middle
        else:
            high = middle - 1
    return low


class Program:
    """One run, its figures, and what is wrong in it."""

    def __init__(self, folder, main, *options, **more):
        self.wrong = []
        self.missing = []
        self.figures = collections.Counter()
        self.folder = folder
        os.mkdir(folder)
        output, capture = os.path.join(folder, 'output'), os.path.join(folder, 'capture')
        self.done = netns.run(
            [netns.SONDE, 'trace', '--json', '-o', output, '-w', capture, *options, '--', *main],
            env={**os.environ, 'TRUTH': folder, 'PYTHONDONTWRITEBYTECODE': '1'}, **more)
        if self.done.returncode:
            raise ChildProcessError(f'status {self.done.returncode}\n{self.done.stdout}'
                                    f'{self.done.stderr}')
        self.read_truth(folder)
        self.read_trace(output, capture)
        self.check()

    # --- what the program knows

    def read_truth(self, folder):
        self.records, self.ends = [], {}
        for path in glob.glob(os.path.join(folder, '*.json')):
            with open(path, encoding='utf-8') as file:
                told = json.load(file)
            self.records += told['calls']
            self.ends.update({end['end']: end for end in told['ends']})
        self.by_tid = collections.defaultdict(list)
        self.closings = collections.defaultdict(list)
        for record in sorted(self.records, key=lambda each: each['from_ns']):
            for name in 'data', 'got':
                if name in record:
                    record[name] = bytes.fromhex(record[name])
            self.by_tid[record['tid']].append(record)
            if record['what'] in ('shutdown', 'close'):
                self.closings[record['end']].append(record)

    def record_of(self, call):
        """The record around a call of the trace."""
        records = self.by_tid[call['tid']]
        enter_ns = self.epoch_ns + call['enter_ns']
        at = bisect.bisect_right(records, enter_ns, key=lambda each: each['from_ns']) - 1
        if at < 0 or enter_ns > records[at]['until_ns']:
            return None
        return records[at]

    # --- what sonde says

    def read_trace(self, output, capture):
        events = collections.defaultdict(list)
        with open(output, encoding='utf-8') as file:
            for line in file:
                event = json.loads(line)
                events[event['event']].append(event)
        self.events = events
        self.epoch_ns = int(events['start'][0]['epoch_ns'])
        frames = read_frames(capture)
        self.packets = {each['packet']: each for each in events['packet']}
        for packet in events['packet']:
            packet['at_ns'] += self.epoch_ns
            packet['payload'] = payload_of(frames[packet['frame']])
            packet['from'] = (packet['src']['address'], packet['src']['port'])
            packet['to'] = (packet['dst']['address'], packet['dst']['port'])
        self.calls = {call['call']: call for call in events['call']}
        for call in events['call']:
            call['record'] = self.record_of(call)
        self.statements = {each['statement']: each for each in events['statement']}
        self.streams = collections.defaultdict(list)  # packets, in order
        for packet in events['packet']:
            if packet['proto'] == 'tcp':
                self.streams[packet['stream']].append(packet)
        self.map_ends()

    def map_ends(self):
        """Each end of a connection to its stream: by the addresses, which may come again, and
        by the time of connect or accept."""
        for end in self.ends.values():
            end['stream'] = None
            if not end['peer'] or end['kind'] not in ('client', 'server'):
                continue
            client, server = tuple(end['local']), tuple(end['peer'])
            if end['kind'] == 'server':
                client, server = server, client
            for stream, packets in self.streams.items():
                first = packets[0]
                if (first['from'], first['to']) == (client, server) and \
                        first['at_ns'] <= end['until_ns'] and \
                        (end['kind'] == 'server' or first['at_ns'] >= end['from_ns']):
                    end['stream'] = stream  # the latest that fits
            if end['stream'] is None and self.was_inherited(end):
                end['stream'] = next((stream for stream, packets in self.streams.items()
                                      if {packets[0]['from'], packets[0]['to']} ==
                                      {client, server}), None)

    def was_inherited(self, end):
        ports = [end['local'][1], end['peer'][1]]
        return any(each.get('inherited') and each['peer'] and
                   [each['local']['port'], each['peer']['port']] == ports
                   for each in self.events['socket'])

    # --- edges against truth

    def say_wrong(self, edge, why, record=None):
        packet = self.shorten(self.packets.get(edge.get('packet')))
        self.wrong.append(f'{why}\n  edge {edge}\n  packet {packet}\n  statement '
                          f"{self.statements[edge['statement']]}\n  call "
                          f"{ {**self.calls[edge['call']], 'record': '', 'stack': ''} }\n  truth {self.shorten(record)}\n  end "
                          f"{self.ends.get(record['end']) if record else None}")

    def shorten(self, record):
        return record and {name: value[:16].hex() if isinstance(value, bytes) else value
                           for name, value in record.items()}

    def is_from(self, packet, end):
        return packet['stream'] == end['stream'] and packet['from'] == tuple(end['local'])

    def is_to(self, packet, end):
        return packet['stream'] == end['stream'] and packet['to'] == tuple(end['local'])

    def is_elsewhere(self, edge, record):
        """Another line; none at all is no lie, and counted."""
        line = self.statements[edge['statement']]['line']
        self.figures['edges without a line'] += line is None
        return line not in (None, record['line'])

    def has_sent(self, edge, record):
        """None, or why the edge is wrong."""
        packet = self.packets[edge['packet']]
        if record is None:
            return self.has_ended(edge, packet)
        if self.is_elsewhere(edge, record):
            return 'another line'
        end = self.ends[record['end']]
        if 'from' in edge:
            return self.has_sent_bytes(edge, packet, record, end)
        what, closings = record['what'], self.closings[record['end']]
        if edge['carries'] == 'syn':
            is_it = what == 'connect' and (not end['local'] or self.is_from(packet, end))
            return None if is_it else 'not the connect of this SYN'
        if what not in ('shutdown', 'close') or not self.is_from(packet, end):
            return 'no end of this connection'
        shutdowns = [each for each in closings if each['what'] == 'shutdown']
        if shutdowns and edge['carries'] == 'fin':
            return None if record is shutdowns[0] else 'the shutdown came before'
        last_ns = max(each['from_ns'] for each in closings)
        return None if record['until_ns'] >= last_ns else 'not the last close'

    def has_ended(self, edge, packet):
        statement = self.statements[edge['statement']]
        pid = statement['pid']
        for end in self.ends.values():
            if end['kind'] == 'client' and end['local'] and self.is_from(packet, end):
                if end['end'].split('.')[0] == str(pid) and not self.closings[end['end']] and \
                        statement['text'] == ENDED_BY:
                    return None
        return 'the program knows nothing of it'

    def has_sent_bytes(self, edge, packet, record, end):
        if record['what'] != 'send':
            return 'no send'
        part = packet['payload'][edge['from']:edge['to']]
        if packet['proto'] == 'udp':
            is_it = packet['payload'] == record['data'] or \
                record.get('many') and packet['payload'] in record['data']
            return None if is_it else 'another datagram'
        if not self.is_from(packet, end):
            return 'another connection'
        if record['sent'] is None:
            return None if part in record['data'] else 'other bytes'
        at = packet['seq'] - 1 + edge['from'] - record['sent']
        is_it = at >= 0 and record['data'][at:at + len(part)] == part
        return None if is_it else 'other bytes of the stream'

    def makes_ready(self, packet, name, word, received, kind):
        """Whether the packet makes ready what a wait watched."""
        end = self.ends[name]
        if kind == 'udp':
            return packet['to'][1] == end['local'][1] if end['local'] else True
        if kind == 'local':
            return True
        if kind == 'listener':
            return self.ends_handshake(packet, end)
        if end['stream'] is None or not self.is_to(packet, end):
            return end['stream'] is None and packet['flags'] == 'RA'
        if word == 'out':
            return 'A' in packet['flags'] or 'R' in packet['flags']
        at = packet['seq'] - 1
        return at <= received < at + packet['len'] or 'F' in packet['flags'] or \
            'R' in packet['flags']

    def ends_handshake(self, packet, listener):
        if packet['proto'] != 'tcp' or packet['to'][1] != listener['local'][1]:
            return False
        # The client's first after a SYN-ACK.  With a full queue that had no effect, and the
        # listener repeats the SYN-ACK.
        before = [each['flags'] for each in self.streams[packet['stream']]
                  if each['packet'] < packet['packet']]
        while before and before[-1] == 'S':
            before.pop()
        return packet['flags'] != 'S' and bool(before) and before[-1] == 'SA'

    def has_completed(self, edge, record):
        if 'packet' not in edge:
            return self.has_let_go(edge, record)
        packet = self.packets[edge['packet']]
        if record is None:
            return 'the program knows nothing of it'
        if self.is_elsewhere(edge, record):
            return 'another line'
        what = record['what']
        if what == 'wait':
            watched = {each[0]: each for each in record['watched']}
            ready = [watched[name] for name in record['ready']]
            if any(self.was_taken(packet, *each, record) for each in ready):
                return 'the datagram had been taken before'
            is_it = any(self.makes_ready(packet, *each) for each in ready)
            return None if is_it else 'it makes nothing ready that was waited for'
        end = self.ends[record['end']]
        if what == 'connect':
            flags = 'RA' if record['error'] else 'SA'
            is_it = packet['flags'] == flags and (not end['local'] or self.is_to(packet, end))
            return None if is_it else 'no answer to this connect'
        if what == 'accept':
            accepted = self.ends[record['accepted']]
            is_it = self.is_to(packet, accepted) and self.ends_handshake(packet, end)
            return None if is_it else 'not the end of this handshake'
        if what == 'send':
            is_it = packet['proto'] == 'tcp' and self.is_to(packet, end) and 'A' in packet['flags']
            if is_it and record['sent'] is not None and record.get('count', 0) <= 1000 and any(
                    self.is_to(each, end) and each['at_ns'] < record['from_ns'] and
                    each['ack'] > record['sent'] for each in self.streams[packet['stream']]):
                return 'all had been acknowledged before: there was room'
            return None if is_it else 'it makes no room'
        if what != 'receive':
            return 'it waits for nothing'
        return self.has_received(packet, record, end)

    def was_taken(self, packet, name, word, received, kind, wait):
        """Whether a datagram had been received before the wait began."""
        return kind == 'udp' and packet['proto'] == 'udp' and any(
            each['what'] == 'receive' and each['end'] == name and not each['error'] and
            each['until_ns'] < wait['from_ns'] and each['got'] == packet['payload']
            for each in self.records)

    def has_let_go(self, edge, record):
        """Between calls: a receive got what the other one gave."""
        by = self.calls.get(edge['by_call'])
        if by is None:
            return 'there is no such call'
        if not record or record['what'] != 'receive' or not record.get('count'):
            return None  # trace_local.py holds the others against their truth
        if not by['record'] or by['record']['what'] != 'send':
            return 'no send'
        return None if self.gave(by['record'], record) else 'it gave other bytes'

    def gave(self, send, receive):
        """Whether the first byte came from there; contents are long enough to be unique."""
        got = receive['got']
        if receive['kept']:
            return got[:receive['size']] == send['data'][:receive['size']]
        data = send['data'][:send['count']]
        return got[:8] in data or data.endswith(got[:1]) and any(
            data.endswith(got[:n]) for n in range(1, min(8, len(got)) + 1))

    def has_taken(self, edge, record):
        by = self.calls[edge['from_call']]['record']
        if record is None or by is None or record['what'] != 'receive':
            return None  # the helpers of the program itself
        if by['what'] != 'send':
            return 'no send'
        if record['kept']:
            return None if self.gave(by, record) else 'another message'
        if not edge['exact']:
            return None
        part = record['got'][edge['from']:edge['to']]
        return None if part in by['data'][:by['count']] else 'other bytes'

    def content_tells(self, record):
        """Whether a datagram that was received whole is the only one of its content."""
        alike = [each for each in self.packets.values()
                 if each['proto'] == 'udp' and each['payload'] == record.get('got')]
        return record['what'] == 'receive' and len(alike) == 1

    def has_received(self, packet, record, end):
        if packet['proto'] == 'udp':
            is_it = packet['payload'].startswith(record['got'])
            return None if is_it else 'another datagram'
        if not self.is_to(packet, end):
            return 'another connection'
        if record['error']:
            is_it = record['error'] == 'ConnectionResetError' and 'R' in packet['flags']
            return None if is_it else 'no reset'
        if not record['count']:
            return None if 'F' in packet['flags'] else 'no FIN'
        at = packet['seq'] - 1
        first = record['received']
        last = first + record['count'] - 1
        is_it = at <= first < at + packet['len'] or \
            (record['all'] if 'all' in record else False) and at <= last < at + packet['len']
        return None if is_it else 'the byte is not in it'

    def check(self):
        sent = collections.defaultdict(list)
        completed = collections.defaultdict(list)
        for edge in self.events['edge']:
            if edge['kind'] == 'sent':
                sent[edge['packet']].append(edge)
            elif edge['kind'] == 'completed':
                completed[edge['call']].append(edge)
        for edges in sent.values():
            self.check_sent(edges)
        for call, edges in completed.items():
            record = self.calls[call]['record']
            self.figures['completed'] += 1
            reasons = [self.has_completed(edge, record) for edge in edges]
            is_exact = edges[0].get('exact', True)
            self.figures['calls with several candidates'] += not is_exact
            if any(reasons) if is_exact else all(reasons):
                self.say_wrong(edges[0], reasons[0], record)
            if not is_exact and 'packet' in edges[0] and record and self.content_tells(record):
                self.say_wrong(edges[0], 'its content tells which it is', record)
        self.check_taken()
        self.count_missing(sent, completed)

    def check_taken(self):
        taken = collections.defaultdict(list)
        for edge in self.events['edge']:
            if edge['kind'] == 'taken':
                taken[edge['call']].append(edge)
        for call, edges in taken.items():
            record = self.calls[call]['record']
            reasons = [self.has_taken(edge, record) for edge in edges]
            self.figures['taken'] += 1
            self.figures['taken with several candidates'] += not edges[0]['exact']
            if any(reasons) if edges[0]['exact'] else all(reasons):
                self.say_wrong(edges[0], next(filter(None, reasons)), record)

    def check_sent(self, edges):
        verdicts = []
        for edge in edges:
            record = self.calls[edge['call']]['record']
            reason = self.has_sent(edge, record)
            verdicts.append((edge, reason, record))
            self.figures['sent' if edge['exact'] else 'candidates'] += 1
        for edge, reason, record in verdicts:
            if reason and edge['exact']:
                self.say_wrong(edge, reason, record)
        candidates = [(edge, record) for edge, _, record in verdicts if not edge['exact']]
        if candidates and not self.are_candidates(candidates):
            found = [(edge['call'], edge['from'], edge['to'], self.shorten(record))
                     for edge, record in candidates]
            self.say_wrong(candidates[0][0], f'none of the candidates {found}', candidates[0][1])
        packet = self.packets[edges[0]['packet']]
        if candidates and packet['proto'] == 'udp' and sum(
                each['what'] == 'send' and each['data'] == packet['payload']
                for each in self.records) == 1:
            self.say_wrong(candidates[0][0], 'its content tells which it is', candidates[0][1])

    def are_candidates(self, candidates):
        """All bytes that they may have sent are theirs, in any order."""
        payload = self.packets[candidates[0][0]['packet']]['payload']
        at = min(edge['from'] for edge, _ in candidates)
        until = max(edge['to'] for edge, _ in candidates)
        while at < until:
            furthest = at
            if not any(edge['from'] <= at < edge['to'] for edge, _ in candidates):
                at += 1  # of a call that is certain
                continue
            for edge, record in candidates:
                if record is None or 'data' not in record or edge['from'] > at:
                    continue
                furthest = max(furthest, at + common(payload[at:min(until, edge['to'])],
                                                     record['data']))
            if furthest == at:
                return False
            at = furthest
        return True

    def count_missing(self, sent, completed):
        figures = self.figures
        figures['packets'] += len(self.packets)
        for packet in self.packets.values():
            if packet['proto'] not in ('tcp', 'udp'):
                continue
            edges = sent[packet['packet']]
            if packet['len']:
                covered = {byte for edge in edges if 'from' in edge
                           for byte in range(edge['from'], edge['to'])}
                figures['packets with bytes of nobody'] += len(covered) < packet['len']
            flags = packet.get('flags', '')
            for flag, carries in (('S', 'syn'), ('F', 'fin')):
                if flag in flags and flags != 'SA':
                    has_one = any(edge.get('carries') == carries for edge in edges)
                    figures[f'{carries.upper()}s of nobody'] += not has_one
        traced = {call['record']['from_ns'] for call in self.calls.values() if call['record']}
        figures['calls'] += len(self.records)
        figures['calls not traced'] += sum(
            record['from_ns'] not in traced for record in self.records)
        for call in self.calls.values():
            if call['record'] and call['record']['error'] is None and \
                    call['record']['what'] in ('connect', 'accept', 'receive', 'wait') and \
                    call['record'].get('ready') != []:
                blocked = call['blocked']
                figures['calls that blocked'] += blocked is True
                figures['calls that may have blocked'] += blocked is None
                if blocked is True and not completed[call['call']] and \
                        call['errno'] not in ('EAGAIN', 'EINPROGRESS') and \
                        not call.get('restarted'):  # the kernel made it again at once
                    figures['calls completed by nothing'] += 1
                    self.missing.append(f"call {call['call']} {call['name']}: {call['why']}")
