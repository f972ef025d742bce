"""Capture files of every kind, byte by byte, for the tests that read them.

    pcap(packets, order='<', magic=MICRO, link=1)      packets: [(second, part, bytes, wire)]
    Section(order='<')                                 blocks of pcapng, one behind the other:
        .interface(link, name=None, resolution=None, offset=None, snap=0)
        .packet(interface, ticks, bytes, wire=None, options=b'')
        .simple(bytes, wire=None), .old(interface, ticks, bytes), .journal(text)
        .statistics(interface, dropped), .block(type, body)
        .option(code, value)                           bytes, for `options`
        .bytes                                         the file so far
    frame(n, payload)       Ethernet, IPv4, UDP from 192.0.2.1 to 192.0.2.2, valid
"""

import struct

MICRO, NANO, LONG = 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(n, payload=b'ping', source='192.0.2.1', target='192.0.2.2', port=40000):
    addresses = bytes(int(part) for part in (source + '.' + target).split('.'))
    udp = struct.pack('!HHHH', port, 50000, 8 + len(payload), 0) + payload
    header = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(udp), n & 0xffff, 0, 64, 17, 0)
    total = checksum(header + addresses)
    return header[:10] + struct.pack('!H', total) + addresses + udp


def frame(n, payload=b'ping', **more):
    return bytes.fromhex('020000000002020000000001') + b'\x08\0' + ip(n, payload, **more)


def pcap(packets, order='<', magic=MICRO, link=1, version=(2, 4)):
    out = struct.pack(order + 'IHHiIII', magic, *version, 0, 0, 262144, link)
    for second, part, data, wire in packets:
        out += struct.pack(order + 'IIII', second, part, len(data), wire)
        if magic == LONG:
            out += struct.pack(order + 'IHBB', 1, 0x800, 0, 0)
        out += data
    return out


class Section:
    def __init__(self, order='<', options=b''):
        self.order = order
        self.bytes = b''
        self.block(0x0A0D0D0A, struct.pack(order + 'IHHq', 0x1A2B3C4D, 1, 0, -1) + options)

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        length = struct.pack(self.order + 'I', len(body) + 12)
        self.bytes += struct.pack(self.order + 'I', kind) + length + body + length

    def option(self, code, value):
        return (struct.pack(self.order + 'HH', code, len(value)) + value +
                bytes(-len(value) % 4))

    def interface(self, link=1, name=None, resolution=None, offset=None, snap=0):
        body = struct.pack(self.order + 'HHI', link, 0, snap)
        if name:
            body += self.option(2, name.encode())
        if resolution is not None:
            body += self.option(9, bytes([resolution]))
        if offset is not None:
            body += self.option(14, struct.pack(self.order + 'q', offset))
        self.block(1, body + self.option(0, b''))

    def packet(self, interface, ticks, data, wire=None, options=b''):
        self.block(6, struct.pack(self.order + 'IIIII', interface, ticks >> 32,
                                  ticks & 0xffffffff, len(data), wire or len(data)) +
                   data + bytes(-len(data) % 4) + options)

    def old(self, interface, ticks, data, wire=None, options=b''):
        self.block(2, struct.pack(self.order + 'HHIIII', interface, 0xffff, ticks >> 32,
                                  ticks & 0xffffffff, len(data), wire or len(data)) +
                   data + bytes(-len(data) % 4) + options)

    def simple(self, data, wire=None):
        self.block(3, struct.pack(self.order + 'I', wire or len(data)) + data)

    def journal(self, text):
        self.block(9, text)

    def statistics(self, interface, dropped):
        self.block(5, struct.pack(self.order + 'III', interface, 0, 0) +
                   self.option(4, struct.pack(self.order + 'Q', 1000)) +
                   self.option(5, struct.pack(self.order + 'Q', dropped)) +
                   self.option(0, b''))
