/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0) */
/*
 * Drops ICMP and ICMPv6, passes every other frame.
 *
 * Attached to an interface, this makes ping stop answering. Being about the
 * smallest useful packet filter, it shows the three things every XDP program
 * does: find the headers, prove to the verifier that each of them is there
 * before reading it, and return a verdict.
 *
 * What it leaves alone: frames with more than two VLAN tags, ICMP inside a
 * tunnel, and ICMPv6 behind an IPv6 extension header. (The multicast listener
 * reports a host sends when it joins a group are such: they carry a hop-by-hop
 * header.) Dropping ICMPv6 includes neighbour discovery, so IPv6 stops
 * altogether once the neighbour entries expire.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* At most this many VLAN tags are skipped: one of the customer's (802.1Q)
 * and one of the provider's (802.1ad). */
#define MAX_TAGS 2

/* What a VLAN tag puts between the Ethernet header and the payload. */
struct vlan_tag {
	__be16 id;    /* priority in the top 4 bits, VLAN number in the other 12 */
	__be16 proto; /* EtherType of what follows */
};

SEC("xdp")
int xdp_drop_icmp(struct xdp_md *ctx)
{
	/* The context holds addresses in u32 fields; the kernel rewrites these
	 * two loads into loads of the real pointers. */
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	/* A pointer one past the header must not lie behind the end of the
	 * frame. Only after this comparison does the verifier let us read. */
	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_PASS;

	/* Numbers in the frame are big-endian. Swapping the constant at compile
	 * time is cheaper than swapping the field at run time. */
	__be16 proto = eth->h_proto;
	void *next = eth + 1;

#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		struct vlan_tag *tag = next;
		if ((void *)(tag + 1) > end)
			return XDP_PASS;
		proto = tag->proto;
		next = tag + 1;
	}

	if (proto == bpf_htons(ETH_P_IP)) {
		/* The protocol lies in the fixed part of the header, so IPv4
		 * options need no care. Fragments carry it too: all of them go. */
		struct iphdr *ip = next;
		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		if (ip->protocol == IPPROTO_ICMP)
			return XDP_DROP;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = next;
		if ((void *)(ip6 + 1) > end)
			return XDP_PASS;
		if (ip6->nexthdr == IPPROTO_ICMPV6)
			return XDP_DROP;
	}

	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
