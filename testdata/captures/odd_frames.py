"""Sends frames no ordinary tool sends.

    python3 odd_frames.py DEVICE DESTINATION_MAC

writes each frame below to the device as it is, through an AF_PACKET socket. The
addresses are those record.sh gives the link called plain. Where a frame is one
the kernel at the other end understands, it answers.

14 bytes, an Ethernet header, is the least that the kernel sends.
"""

import ipaddress
import socket
import struct
import sys
import time

SRC4, DST4 = (ipaddress.ip_address(a).packed for a in ("192.0.2.1", "192.0.2.2"))
SRC6, DST6 = (ipaddress.ip_address(a).packed for a in ("2001:db8:0:1::1", "2001:db8:0:1::2"))

IPV4, ARP, IPV6, DOT1Q, DOT1AD = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8
HOP_BY_HOP, ICMP, IGMP, IPIP, UDP, SIT, ROUTING, FRAGMENT, GRE, ESP, ICMPV6, NONE, DEST_OPTS, SCTP = (
    0, 1, 2, 4, 17, 41, 43, 44, 47, 50, 58, 59, 60, 132)


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def summed(data, at, pseudo=b""):
    """data with the checksum of pseudo and data put at that offset."""
    return data[:at] + struct.pack("!H", checksum(pseudo + data)) + data[at + 2 :]


def ipv4(proto, payload, options=b"", version=4, ihl=None, fragment=0):
    options += b"\0" * (-len(options) % 4)
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload)
    header = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, length, 0x0DD, fragment, 64, proto, 0, SRC4, DST4)
    return summed(header + options, 10) + payload


def ipv6(next_header, payload, version=6, src=SRC6, dst=DST6):
    return struct.pack("!IHBB16s16s", version << 28, len(payload), next_header, 64, src, dst) + payload


def echo4(sequence):
    return summed(struct.pack("!BBHHH", 8, 0, 0, 0x0DD, sequence) + b"an echo request", 2)


def echo6(sequence):
    data = struct.pack("!BBHHH", 128, 0, 0, 0x0DD, sequence) + b"an echo request"
    return summed(data, 2, SRC6 + DST6 + struct.pack("!IxxxB", len(data), ICMPV6))


def udp(payload):
    return struct.pack("!HHHH", 40000, 9, 8 + len(payload), 0) + payload


def options6(next_header, *options):
    """A hop-by-hop or destination options header, padded to 8 bytes."""
    data = b"".join(options)
    pad = -(len(data) + 2) % 8
    data += b"" if pad == 0 else b"\0" if pad == 1 else bytes([1, pad - 2]) + bytes(pad - 2)
    return bytes([next_header, (len(data) + 2) // 8 - 1]) + data


def fragment6(next_header, offset=0, more=0):
    return struct.pack("!BBHI", next_header, 0, offset << 3 | more, 0x0DDF00D)


def routing6(next_header):
    """A segment routing header (type 4, RFC 8754) with no segment left."""
    return struct.pack("!BBBBBBH", next_header, 2, 4, 0, 0, 0, 0) + DST6


def tag(tpid, vlan, rest):
    """A VLAN tag as it stands after the addresses; rest starts with an EtherType."""
    return struct.pack("!HH", tpid, vlan) + rest


def typed(ethertype, payload=b""):
    return struct.pack("!H", ethertype) + payload


RECORD_ROUTE = bytes([7, 39, 4]) + bytes(36)  # room for 9 addresses
ROUTER_ALERT4 = bytes([148, 4, 0, 0])
ROUTER_ALERT6 = bytes([5, 2, 0, 0])
NOP = b"\x01"

# Everything after the two addresses, in the order it is sent.
FRAMES = [
    # Cut short.
    typed(IPV4),  # no IP header at all
    typed(IPV6),
    typed(IPV4, ipv4(ICMP, b"")[:1]),
    typed(IPV4, ipv4(ICMP, b"")[:9]),  # 23 bytes: ends before the protocol
    typed(IPV4, ipv4(ICMP, b"")[:10]),  # 24 bytes: the protocol is its last byte
    typed(IPV4, ipv4(ICMP, b"")[:19]),
    typed(IPV4, ipv4(ICMP, echo4(1))[:20]),  # a header that promises more
    typed(IPV4, ipv4(ICMP, echo4(1), RECORD_ROUTE)[:40]),  # ends within the options
    typed(IPV6, ipv6(ICMPV6, b"")[:6]),
    typed(IPV6, ipv6(ICMPV6, b"")[:7]),  # the next header is its last byte
    typed(IPV6, ipv6(ICMPV6, b"")[:39]),
    typed(IPV6, ipv6(ICMPV6, echo6(1))[:40]),
    typed(ARP, bytes([0, 1, 8, 0, 6, 4])),
    # EtherTypes that are not IP.
    typed(0x88B5, b"an EtherType for local experiments"),
    typed(0x0000, b"EtherType 0"),
    typed(0xFFFF, b"the last EtherType"),
    typed(3 + 4, bytes([0x42, 0x42, 3]) + bytes(4)),  # a length: 802.3 and LLC, a spanning tree's
    typed(0x88CC, bytes([2, 7, 4]) + bytes.fromhex("00005e005301") + bytes([4, 2, 5, 0x61, 6, 2, 0, 120, 0, 0])),  # LLDP
    typed(0x8847, struct.pack("!I", 100 << 12 | 1 << 8 | 64) + ipv4(ICMP, echo4(2))),  # ICMP under an MPLS label
    typed(0x8864, struct.pack("!BBHHH", 0x11, 0, 1, 45, 0x0021) + ipv4(ICMP, echo4(2))),  # ICMP in a PPPoE session
    # IPv4.
    typed(IPV4, ipv4(ICMP, echo4(3), RECORD_ROUTE)),  # a header of 60 bytes, the longest
    typed(IPV4, ipv4(ICMP, echo4(4), ROUTER_ALERT4)),
    typed(IPV4, ipv4(ICMP, echo4(5), NOP * 3)),
    typed(IPV4, ipv4(UDP, udp(b"behind options"), NOP * 8)),
    typed(IPV4, ipv4(ICMP, echo4(6), ihl=4)),  # shorter than a header can be
    typed(IPV4, ipv4(ICMP, echo4(7), ihl=15)),  # options that reach beyond the packet
    typed(IPV4, ipv4(ICMP, echo4(8), version=5)),
    typed(IPV4, ipv4(ICMP, echo4(9), fragment=100)),  # a later fragment
    typed(IPV4, ipv4(IPIP, ipv4(ICMP, echo4(10)))),
    typed(IPV4, ipv4(SIT, ipv6(ICMPV6, echo6(10)))),
    typed(IPV4, ipv4(GRE, typed(0) + typed(IPV4, ipv4(ICMP, echo4(11))))),
    typed(IPV4, ipv4(IGMP, summed(bytes([0x11, 100, 0, 0, 0, 0, 0, 0]), 2), ROUTER_ALERT4)),
    typed(IPV4, ipv4(ESP, bytes(range(32)))),
    typed(IPV4, ipv4(SCTP, bytes(12))),
    typed(IPV4, ipv4(ICMPV6, echo6(12))),  # ICMPv6 over IPv4, which means nothing
    typed(IPV4, ipv4(255, b"reserved")),
    # IPv6 and its extension headers.
    typed(IPV6, ipv6(ICMPV6, echo6(13))),
    typed(IPV6, ipv6(HOP_BY_HOP, options6(ICMPV6) + echo6(14))),
    typed(IPV6, ipv6(HOP_BY_HOP, options6(ICMPV6, ROUTER_ALERT6) + echo6(15))),
    typed(IPV6, ipv6(DEST_OPTS, options6(ICMPV6) + echo6(16))),
    typed(IPV6, ipv6(ROUTING, routing6(ICMPV6) + echo6(17))),
    typed(IPV6, ipv6(FRAGMENT, fragment6(ICMPV6) + echo6(18))),  # the only fragment of its packet
    typed(IPV6, ipv6(FRAGMENT, fragment6(ICMPV6, 100) + echo6(19))),  # one of several
    typed(IPV6, ipv6(HOP_BY_HOP, options6(DEST_OPTS) + options6(ROUTING) + routing6(FRAGMENT) + fragment6(ICMPV6) + echo6(20))),
    typed(IPV6, ipv6(HOP_BY_HOP, options6(UDP) + udp(b"behind options"))),
    typed(IPV6, ipv6(HOP_BY_HOP, bytes([ICMPV6, 200]) + bytes(6))),  # options that reach beyond the packet
    typed(IPV6, ipv6(NONE, b"")),
    typed(IPV6, ipv6(ICMP, echo4(21))),  # ICMPv4 over IPv6, which means nothing
    typed(IPV6, ipv6(ICMPV6, echo6(22), version=4)),
    # VLAN tags. No interface here belongs to a VLAN, so only VLAN 0, which is none, answers.
    tag(DOT1Q, 100, b""),  # 16 bytes: half a tag
    tag(DOT1Q, 100, typed(IPV4)),  # 18 bytes: a tag, then nothing
    tag(DOT1Q, 0, typed(IPV4, ipv4(ICMP, echo4(23)))),  # VLAN 0: only a priority
    tag(DOT1Q, 100, typed(IPV4, ipv4(ICMP, echo4(24))[:19])),
    tag(DOT1Q, 100, typed(0x88B5, b"tagged")),
    tag(DOT1AD, 200, typed(IPV6, ipv6(ICMPV6, echo6(25)))),
    tag(DOT1Q, 100, tag(DOT1Q, 200, typed(IPV4, ipv4(ICMP, echo4(26))))),
    tag(DOT1Q, 100, tag(DOT1AD, 200, typed(IPV6, ipv6(ICMPV6, echo6(27))))),
    tag(DOT1AD, 200, tag(DOT1Q, 100, b"")),  # the second tag is half there
    tag(DOT1AD, 200, tag(DOT1Q, 100, typed(IPV6))),
    tag(DOT1AD, 200, tag(DOT1Q, 100, typed(IPV6, ipv6(ICMPV6, echo6(28))[:39]))),
    tag(DOT1AD, 1, tag(DOT1Q, 2, tag(DOT1Q, 3, typed(IPV4, ipv4(ICMP, echo4(29)))))),  # three tags
    tag(0x9100, 100, typed(IPV4, ipv4(ICMP, echo4(30)))),  # a tag from before 802.1ad
]


def main():
    device, destination = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((device, 0))
        addresses = destination + s.getsockname()[4]
        for rest in FRAMES:
            s.send(addresses + rest)
            time.sleep(0.01)  # so that an answer comes before the next frame


main()
