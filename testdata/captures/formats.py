"""Writes captures in the forms no tool at hand writes.

    python3 formats.py be IN OUT            big-endian pcap, microseconds
    python3 formats.py be-nsec IN OUT       big-endian pcap, nanoseconds
    python3 formats.py be-pcapng IN OUT     big-endian pcapng
    python3 formats.py interfaces A B C OUT one pcapng with three interfaces
    python3 formats.py runts IN OUT         IN, then frames too short for Ethernet

Every input is a little-endian pcap, as tcpdump writes it on most machines.
Layouts: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

import struct
import sys

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D  # the magic number says what the second timestamp field counts


def read(path):
    """The link type, and a list of (time in ns, bytes, length on the wire)."""
    with open(path, "rb") as f:
        magic, _, _, _, _, _, link = struct.unpack("<IHHiIII", f.read(24))
        unit = {MICRO: 1000, NANO: 1}[magic]
        records = []
        while header := f.read(16):
            seconds, fraction, captured, length = struct.unpack("<IIII", header)
            records.append((seconds * 10**9 + fraction * unit, f.read(captured), length))
    return link, records


def write(path, order, magic, link, records):
    unit = {MICRO: 1000, NANO: 1}[magic]
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
        for time, data, length in records:
            f.write(struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit, len(data), length) + data)


class Pcapng:
    """A pcapng file of one section. order is struct's: < or >."""

    def __init__(self, path, order):
        self.file, self.order = open(path, "wb"), order
        # Version 1.0, a section whose length is not told, and shb_userappl.
        self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, 1, 0, -1) + self.option(4, b"formats.py") + self.option(0))

    def pack(self, fmt, *values):
        return struct.pack(self.order + fmt, *values)

    def padded(self, data):
        return data + bytes(-len(data) % 4)

    def option(self, code, value=b""):
        return self.padded(self.pack("HH", code, len(value)) + value)

    def block(self, kind, body):
        length = self.pack("I", 12 + len(body))
        self.file.write(self.pack("I", kind) + length + body + length)

    def interface(self, link, name, resolution=None):
        """if_tsresol is left out if resolution is None: microseconds."""
        options = self.option(2, name)
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        self.block(1, self.pack("HHI", link, 0, 262144) + options + self.option(0))

    def packet(self, interface, ticks, data, length):
        self.block(6, self.pack("IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length) + self.padded(data))


def big_endian(source, target, magic):
    write(target, ">", magic, *read(source))


def big_endian_pcapng(source, target):
    link, records = read(source)
    out = Pcapng(target, ">")
    out.interface(link, b"plain", 9)
    for time, data, length in records:
        out.packet(0, time, data, length)


def interfaces(sources, target):
    """Interleaves three captures, each counting time in another unit."""
    names = [b"plain", b"raw", b"single"]
    resolutions = [9, None, 0x80 | 20]  # 10^-9 s, microseconds by default, 2^-20 s
    ticks = [lambda ns: ns, lambda ns: ns // 1000, lambda ns: (ns << 20) // 10**9]
    out = Pcapng(target, "<")
    packets = []
    for i, source in enumerate(sources):
        link, records = read(source)
        out.interface(link, names[i], resolutions[i])
        packets += [(time, i, data, length) for time, data, length in records]
    for time, i, data, length in sorted(packets):
        out.packet(i, ticks[i](time), data, length)


def runts(source, target):
    link, records = read(source)
    time, frame = records[-1][0], records[0][1]
    for n in (0, 1, 6, 12, 13):
        time += 10**6
        records.append((time, frame[:n], n))
    write(target, "<", MICRO, link, records)


def main():
    match sys.argv[1:]:
        case ["be", source, target]:
            big_endian(source, target, MICRO)
        case ["be-nsec", source, target]:
            big_endian(source, target, NANO)
        case ["be-pcapng", source, target]:
            big_endian_pcapng(source, target)
        case ["interfaces", a, b, c, target]:
            interfaces([a, b, c], target)
        case ["runts", source, target]:
            runts(source, target)
        case _:
            sys.exit(__doc__)


main()
