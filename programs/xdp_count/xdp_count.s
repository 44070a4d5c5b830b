# SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0)
#
# Counts frames and bytes per protocol, and passes them all.
#
# It shows the two ways to count in a map: a hash shared by all CPUs, whose
# entries appear as protocols are first seen and must be added to atomically,
# and a per-CPU array, where each CPU has a copy to itself, needs no atomic
# addition, and whoever reads it adds the copies up.

	.license "Dual BSD/GPL"

# Key: the protocol number of an IPv4 or IPv6 packet (0 to 255: 1 is ICMP, 6 TCP,
# 17 UDP, 58 ICMPv6), else NOT_IP | EtherType. For IPv6 it is the first next
# header, so a packet with extension headers counts under the first.
#
# Types say what tools show of a map, and counter.packets is an offset below.
	.map	protocols, type=hash, max_entries=256,
		key=u32,
		value=struct counter {
			u64 packets,
			u64 bytes	# whole frames, from the Ethernet header on
		}

# One entry: everything.
	.map	totals, type=percpu_array, max_entries=1, key=u32, value=struct counter

	.equ	NOT_IP, 0x10000		# set in a key that is an EtherType

# Where things are in the headers, in bytes.
	.equ	ETH_PROTO, 12		# struct ethhdr: h_proto
	.equ	VLAN_HLEN, 4		# a tag: its id, then the EtherType behind it
	.equ	IPV4_HLEN, 20		# without options
	.equ	IPV4_PROTOCOL, 9
	.equ	IPV6_HLEN, 40
	.equ	IPV6_NEXTHDR, 6

# On entry r1 points to the context. Up to `count`:
#	r6	first byte of the frame
#	r7	first byte behind it; from `count` on, the frame's length
#	r1	the key
#	r2	first byte behind the headers seen so far
#	r3	start of the IP header
	.program xdp, xdp_count

	r6 = *(u32 *)(r1 + xdp_md.data)
	r7 = *(u32 *)(r1 + xdp_md.data_end)

	# A frame without a whole Ethernet header counts under EtherType 0.
	r1 = NOT_IP
	r2 = r6
	r2 += ETH_HLEN
	if r2 > r7 goto count
	r1 = *(u16 *)(r6 + ETH_PROTO)
	r1 = be16 r1

	# Skip at most two VLAN tags: a customer's and a provider's. A frame cut
	# short within one counts under the tag's own EtherType.
	.rept	2
	if r1 == ETH_P_8021Q goto 1f
	if r1 != ETH_P_8021AD goto network
1:	r3 = r2
	r3 += VLAN_HLEN
	if r3 > r7 goto other
	r1 = *(u16 *)(r2 + 2)
	r1 = be16 r1
	r2 = r3
	.endr

	# An IP packet cut short before its header ends counts under its
	# EtherType.
network:
	r3 = r2
	if r1 == ETH_P_IPV6 goto ipv6
	if r1 != ETH_P_IP goto other
	r2 += IPV4_HLEN
	if r2 > r7 goto other
	r1 = *(u8 *)(r3 + IPV4_PROTOCOL)
	goto count
ipv6:
	r2 += IPV6_HLEN
	if r2 > r7 goto other
	r1 = *(u8 *)(r3 + IPV6_NEXTHDR)
	goto count
other:
	r1 |= NOT_IP

count:
	r7 -= r6

	# r6 to r9 survive calls; r0 to r5 do not. Other CPUs add to the same
	# value at the same time, hence lock.
	call counter_of
	if r0 == 0 goto total
	r1 = 1
	lock *(u64 *)(r0 + counter.packets) += r1
	lock *(u64 *)(r0 + counter.bytes) += r7

	# Only this CPU adds to this copy, and nothing interrupts an XDP program
	# to run another one on it. The lookup of an array entry that exists never
	# fails, but the verifier wants to see the check.
total:
	*(u32 *)(r10 - 4) = 0
	r1 = totals ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto pass
	r1 = *(u64 *)(r0 + counter.packets)
	r1 += 1
	*(u64 *)(r0 + counter.packets) = r1
	r1 = *(u64 *)(r0 + counter.bytes)
	r1 += r7
	*(u64 *)(r0 + counter.bytes) = r1

pass:
	r0 = XDP_PASS
	exit

# The counter of a protocol, made if this is its first frame; null if the map is
# full. Takes the key in r1, gives a pointer to the value in r0.
	.equ	KEY, -4			# on the stack, from the frame pointer
	.equ	ZERO, -24		# a struct counter

	.func	counter_of

	*(u32 *)(r10 + KEY) = r1
	r1 = protocols ll
	r2 = r10
	r2 += KEY
	call bpf_map_lookup_elem
	if r0 != 0 goto found

	# Another CPU may be adding the same key. BPF_NOEXIST makes the slower one
	# fail instead of setting a counter in use back to zero, and looking again
	# serves both.
	*(u64 *)(r10 + ZERO + counter.packets) = 0
	*(u64 *)(r10 + ZERO + counter.bytes) = 0
	r1 = protocols ll
	r2 = r10
	r2 += KEY
	r3 = r10
	r3 += ZERO
	r4 = BPF_NOEXIST
	call bpf_map_update_elem

	r1 = protocols ll
	r2 = r10
	r2 += KEY
	call bpf_map_lookup_elem
found:
	exit
