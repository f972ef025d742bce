"""Two dissections of one capture, field by field: dissect_tsv's (sonde's library) and
tshark's.

    compare(path, explained, options)   -> list of differences, as text
"""

import collections
import os
import re
import subprocess

import netns

SEPARATOR, AGGREGATOR = '\x02', '\x01'


def program():
    return os.path.join(os.path.dirname(netns.SONDE), 'test', 'net', 'dissect_tsv')


def own_fields():
    lines = subprocess.run([program(), '--fields'], capture_output=True, text=True, check=True)
    return dict(line.split('\t') for line in lines.stdout.splitlines())


def tshark_fields():
    """Names that tshark has, with their types."""
    lines = subprocess.run(['tshark', '-G', 'fields'], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    rows = (line.split('\t') for line in lines)
    return {row[2]: row[3] if row[0] == 'F' else 'FT_PROTOCOL' for row in rows
            if row[0] in 'FP'}


def unescape(text):
    """\\x0d of dissect_tsv and \\r of tshark are one."""
    named = {'r': '\r', 'n': '\n', 't': '\t', '\\': '\\'}
    return re.sub(r'\\(?:x([0-9a-f]{2})|([rnt\\]))',
                  lambda m: chr(int(m[1], 16)) if m[1] else named[m[2]], text)


def own(path, rules=()):
    """Per frame: the columns, and of each field its values in order."""
    result = subprocess.run([program(), path, *rules], capture_output=True, check=True)
    columns, fields = {}, collections.defaultdict(lambda: collections.defaultdict(list))
    for line in result.stdout.decode('utf-8', 'surrogateescape').split('\n'):
        part = line.split('\t')
        if part[0] == 'C':
            columns[int(part[1])] = part[2:6]
        elif part[0] == 'F':
            fields[int(part[1])][part[2]].append(part[3])
    return columns, fields


def tshark(path, names, options=()):
    command = ['tshark', '-n', '-r', path, '-T', 'fields', '-E', 'occurrence=a', '-E',
               f'aggregator={AGGREGATOR}', '-E', f'separator={SEPARATOR}', *options]
    columns = ['_ws.col.Source', '_ws.col.Destination', '_ws.col.Protocol', '_ws.col.Info']
    for name in [*columns, *names]:
        command += ['-e', name]
    result = subprocess.run(command, capture_output=True, check=True)
    rows = result.stdout.decode('utf-8', 'surrogateescape').split('\n')[:-1]
    found_columns, found = {}, {}
    for frame, row in enumerate(rows, 1):
        cells = row.split(SEPARATOR)
        found_columns[frame] = cells[:4]
        found[frame] = {name: cell.split(AGGREGATOR)
                        for name, cell in zip(names, cells[4:]) if cell}
    return found_columns, found


def normal(kind, values):
    """What is the same, however it is written."""
    if kind in ('bytes', 'ethernet'):
        return [v.replace(':', '') for v in values]
    if kind in ('note', 'protocol'):
        return bool(values)
    if kind == 'text':
        return [unescape(v).strip() for v in values]
    if kind in ('uint', 'int', 'bool'):
        return [str(int(v, 0)) if re.fullmatch(r'0x[0-9a-fA-F]+|-?\d+', v) else v
                for v in values]
    return values


def short(value):
    text = repr(value)
    return text if len(text) < 300 else f'{text[:300]}... ({len(text)} characters)'


def is_explained(explained, name, difference):
    reasons = [explained.get(name), explained.get((name, difference.frame))]
    return any(reason(difference) if callable(reason) else reason for reason in reasons)


Difference = collections.namedtuple('Difference', 'frame name ours theirs fields')


# Bytes that were there before: tshark takes them for data where sonde takes them for a
# segment's, or the other way round, depending on what it put together until then.  A busy
# machine's kernel sends some again on loopback, too.
BEFORE = ('data', 'data.data', 'data.len', 'tcp.segment_data')


def was_before(difference):
    fields = difference.fields[difference.frame]
    return 'tcp.analysis.retransmission' in fields or 'tcp.analysis.out_of_order' in fields


AGAIN = {field: was_before for field in BEFORE}


def is_behind_reset(difference):
    """tshark takes the 0 of a RST without ACK for an acknowledgement: it forgets what was
    acknowledged, and, of about half of the numbers, what is under way.  What comes then is
    spurious no more."""
    own = difference.fields[difference.frame]
    from_peer = [fields['tcp.flags'][0] for frame, fields in difference.fields.items()
                 if frame < difference.frame and
                 fields.get('tcp.stream', []) == own.get('tcp.stream') and
                 fields['tcp.srcport'] != own['tcp.srcport']]
    if '0x0004' not in from_peer:
        return False
    if difference.name == 'tcp.analysis.bytes_in_flight':
        return True
    if difference.name == 'info':
        return difference.ours.split('] ')[1:] == difference.theirs.split('] ')[1:]
    return from_peer[-1] == '0x0004' and 'tcp.analysis.spurious_retransmission' in own


BEHIND_RESET = {field: is_behind_reset for field in (
    'info', 'tcp.analysis.spurious_retransmission', 'tcp.analysis.rto',
    'tcp.analysis.rto_frame', 'tcp.analysis.bytes_in_flight')}


def compare(path, explained, options=(), rules=(), is_compared=lambda name: True):
    """explained: {field or (field or column, frame): reason}; what it names may differ.  A
    reason may be a function of a Difference, too, whose fields are those of sonde: {frame:
    {name: values}}; it is one where it returns so."""
    kinds = own_fields()
    theirs = tshark_fields()
    names = sorted(n for n in kinds if n in theirs and is_compared(n) and
                   (n not in explained or callable(explained[n])))
    own_columns, own_found = own(path, rules)
    their_columns, their_found = tshark(path, names, options)
    differences = []
    if not own_columns:
        return ['there is no frame']
    if own_columns.keys() != their_columns.keys():
        return [f'frames: {len(own_columns)}, tshark {len(their_columns)}']
    for frame in own_columns:
        pairs = [(title, a.strip(), b.strip()) for title, a, b in
                 zip(('source', 'destination', 'protocol', 'info'), own_columns[frame],
                     their_columns[frame])]
        pairs += [(name, normal(kinds[name], own_found[frame].get(name, [])),
                   normal(kinds[name], their_found[frame].get(name, []))) for name in names]
        for name, a, b in pairs:
            if a != b and not is_explained(explained, name,
                                           Difference(frame, name, a, b, own_found)):
                differences.append(f'{frame} {name}: {short(a)}, tshark {short(b)}')
    return differences
