/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0) */
/*
 * Counts frames and bytes per protocol, and passes them all.
 *
 * It shows the two ways to count in a map: a hash shared by all CPUs, whose
 * entries appear as protocols are first seen and must be added to atomically,
 * and a per-CPU array, where each CPU has a copy to itself, needs no atomic
 * addition, and whoever reads it adds the copies up.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* At most this many VLAN tags are skipped: one of the customer's (802.1Q)
 * and one of the provider's (802.1ad). */
#define MAX_TAGS 2

/* Set in a key that is an EtherType, not an IP protocol number. */
#define NOT_IP 0x10000

/* What a VLAN tag puts between the Ethernet header and the payload. */
struct vlan_tag {
	__be16 id;    /* priority in the top 4 bits, VLAN number in the other 12 */
	__be16 proto; /* EtherType of what follows */
};

struct counter {
	__u64 packets;
	__u64 bytes; /* whole frames, from the Ethernet header on */
};

/* Key: the protocol number of an IPv4 or IPv6 packet (0 to 255: 1 is ICMP, 6
 * TCP, 17 UDP, 58 ICMPv6), else NOT_IP | EtherType. For IPv6 it is the first
 * next header, so a packet with extension headers counts under the first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counter);
} protocols SEC(".maps");

/* One entry: everything. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} totals SEC(".maps");

/*
 * The key of a frame in `protocols`. An IP packet cut short before its header
 * ends counts under its EtherType, a frame cut short within a VLAN tag under the
 * tag's, and one without a whole Ethernet header under EtherType 0.
 */
static __always_inline __u32 protocol_of(void *data, void *end)
{
	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > end)
		return NOT_IP;

	__be16 proto = eth->h_proto;
	void *next = eth + 1;

#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		struct vlan_tag *tag = next;
		if ((void *)(tag + 1) > end)
			break;
		proto = tag->proto;
		next = tag + 1;
	}

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = next;
		if ((void *)(ip + 1) <= end)
			return ip->protocol;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = next;
		if ((void *)(ip6 + 1) <= end)
			return ip6->nexthdr;
	}

	return NOT_IP | bpf_ntohs(proto);
}

/* The counter of a protocol, made if this is its first frame; NULL if the map
 * is full. */
static __always_inline struct counter *counter_of(__u32 key)
{
	struct counter *c = bpf_map_lookup_elem(&protocols, &key);
	if (c)
		return c;

	/* Another CPU may be adding the same key. BPF_NOEXIST makes the slower
	 * one fail instead of setting a counter in use back to zero, and looking
	 * again serves both. */
	struct counter zero = {};
	bpf_map_update_elem(&protocols, &key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&protocols, &key);
}

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u64 length = end - data;

	/* Other CPUs add to the same value at the same time. */
	struct counter *c = counter_of(protocol_of(data, end));
	if (c) {
		__sync_fetch_and_add(&c->packets, 1);
		__sync_fetch_and_add(&c->bytes, length);
	}

	/* Only this CPU adds to this copy, and nothing interrupts an XDP program
	 * to run another one on it. The lookup of an array entry that exists
	 * never fails, but the verifier wants to see the check. */
	__u32 first = 0;
	struct counter *total = bpf_map_lookup_elem(&totals, &first);
	if (total) {
		total->packets += 1;
		total->bytes += length;
	}

	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
