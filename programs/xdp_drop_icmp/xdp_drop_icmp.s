# SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0)
#
# Drops ICMP and ICMPv6, passes every other frame.
#
# Attached to an interface, this makes ping stop answering. It does the three
# things every XDP program does: find the headers, prove to the verifier that
# each of them is there before reading it, and return a verdict.
#
# What it leaves alone: frames with more than two VLAN tags, ICMP inside a
# tunnel, and ICMPv6 behind an IPv6 extension header.

	.license "Dual BSD/GPL"

# Where things are in the headers, in bytes. ETH_HLEN, the protocol numbers and
# the verdicts are the kernel's own names and need no definition.
	.equ	ETH_PROTO, 12		# struct ethhdr: h_proto
	.equ	VLAN_HLEN, 4		# a tag: its id, then the EtherType behind it
	.equ	IPV4_HLEN, 20		# without options
	.equ	IPV4_PROTOCOL, 9
	.equ	IPV6_HLEN, 40
	.equ	IPV6_NEXTHDR, 6

# On entry r1 points to the context. Throughout:
#	r0	the verdict
#	r1	start of the header at hand
#	r2	first byte behind it
#	r3	first byte behind the frame
#	r4	EtherType of what follows
	.program xdp, xdp_drop_icmp

	# The fields are 32 bits wide in the context, yet the verifier knows that
	# these two loads give pointers into the packet.
	r3 = *(u32 *)(r1 + xdp_md.data_end)
	r1 = *(u32 *)(r1 + xdp_md.data)

	# Until we find ICMP, and whatever is wrong with the frame:
	r0 = XDP_PASS

	# Only behind such a comparison may the bytes below r2 be read.
	r2 = r1
	r2 += ETH_HLEN
	if r2 > r3 goto out

	# Numbers in a frame are big-endian; be16 makes this one the machine's.
	r4 = *(u16 *)(r1 + ETH_PROTO)
	r4 = be16 r4

	# Skip a customer's VLAN tag and a provider's. The text between .rept and
	# .endr is read twice, and 1f is the next label 1 each time.
	.rept	2
	if r4 == ETH_P_8021Q goto 1f
	if r4 != ETH_P_8021AD goto network
1:	r2 += VLAN_HLEN
	if r2 > r3 goto out
	r4 = *(u16 *)(r2 - 2)
	r4 = be16 r4
	.endr

network:
	r1 = r2
	if r4 == ETH_P_IPV6 goto ipv6
	if r4 != ETH_P_IP goto out

	# The protocol lies in the fixed part of the header, so IPv4 options need
	# no care. Fragments carry it too: all of them go.
	r2 += IPV4_HLEN
	if r2 > r3 goto out
	r4 = *(u8 *)(r1 + IPV4_PROTOCOL)
	if r4 == IPPROTO_ICMP goto drop
	exit

ipv6:
	r2 += IPV6_HLEN
	if r2 > r3 goto out
	r4 = *(u8 *)(r1 + IPV6_NEXTHDR)
	if r4 != IPPROTO_ICMPV6 goto out

drop:
	r0 = XDP_DROP
out:
	exit
