/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0) */
/*
 * What the speed of the interpreter is measured with: programs that do one
 * thing for long, and short ones that do what most do with a packet.
 *
 * barrier_var() keeps the compiler from unrolling loops and from computing in
 * advance what is to be measured.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The packet's bytes and what lies behind them. */
#define DATA(ctx) ((void *)(long)(ctx)->data)
#define END(ctx) ((void *)(long)(ctx)->data_end)

/* Field of a packet, read where this stands. */
#define READ(type, p) (*(volatile type *)(p))

/* Nothing: what a run costs by itself. */
SEC("xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* 64-bit arithmetic: Marsaglia's generator, its outputs scrambled and added. */
SEC("xdp")
int xorshift(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	if (data + 64 > END(ctx))
		return XDP_ABORTED;
	__u64 x = READ(__u64, data) | 1, sum = 0;
	for (__u32 n = 0; n < 4096; n++) {
		barrier_var(n);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x * 0x9e3779b97f4a7c15;
	}
	return sum >> 32;
}

/* Branches that nothing predicts: the 3x + 1 problem, again from a new number
 * whenever it comes to 1. Too many paths for the kernel's verifier. */
SEC("xdp")
int collatz(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	if (data + 64 > END(ctx))
		return XDP_ABORTED;
	__u64 x = READ(__u32, data) | 1;
	__u32 result = 0;
	for (__u32 n = 0; n < 4000; n++) {
		barrier_var(n);
		if (x & 1)
			x = 3 * x + 1;
		else
			x >>= 1;
		if (x == 1) {
			x = (READ(__u32, data + 4) ^ n) | 1;
			result += 7;
		}
		result += x & 3;
	}
	return result;
}

/* 16-bit loads: the Internet checksum of 1500 bytes, eight times. */
SEC("xdp")
int csum(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	if (data + 1500 > END(ctx))
		return XDP_ABORTED;
	__u64 sum = 0;
	for (__u32 pass = 0; pass < 8; pass++) {
		barrier_var(pass);
		for (__u64 i = 0; i < 1500; i += 2) {
			barrier_var(i);
			sum += READ(__u16, data + i);
		}
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Loads and stores: 1 KiB of packet masked sixteen times. */
SEC("xdp")
int memrw(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	if (data + 1024 > END(ctx))
		return XDP_ABORTED;
	__u64 mask = 0x0123456789abcdef;
	barrier_var(mask);
	for (__u32 pass = 0; pass < 16; pass++) {
		barrier_var(pass);
		for (__u64 i = 0; i < 1024; i += 8) {
			barrier_var(i);
			READ(__u64, data + i) ^= mask;
		}
	}
	return READ(__u32, data);
}

/* A byte, as an index that the verifier knows to be one. */
static __always_inline __u64 byte(__u64 v)
{
	v &= 255;
	barrier_var(v);
	return v & 255;
}

/* A table of bytes on the stack at computed offsets: RC4 with a key of 16
 * bytes, 1024 bytes of its stream. */
SEC("xdp")
int rc4(struct xdp_md *ctx)
{
	__u8 *key = DATA(ctx);
	if ((void *)key + 64 > END(ctx))
		return XDP_ABORTED;
	__u8 table[256];
	volatile __u8 *s = table;
	for (__u64 i = 0; i < 256; i++) {
		barrier_var(i);
		s[i] = i;
	}
	__u64 j = 0;
	for (__u64 i = 0; i < 256; i++) {
		barrier_var(i);
		__u8 a = s[i];
		j = byte(j + a + READ(__u8, key + (i & 15)));
		__u8 b = s[j];
		s[i] = b;
		s[j] = a;
	}
	j = 0;
	__u32 result = 0;
	for (__u64 n = 1; n <= 1024; n++) {
		barrier_var(n);
		__u64 i = byte(n);
		__u8 a = s[i];
		j = byte(j + a);
		__u8 b = s[j];
		s[i] = b;
		s[j] = a;
		result = result * 31 + s[byte(a + b)];
	}
	return result;
}

/* FNV-1a, a word at a time. */
#define MIX(hash, v) (((hash) ^ (v)) * 16777619u)

struct vlan_tag {
	__be16 id, proto;
};

/* The largest segment that the options of a TCP header announce, 0 for none. */
static __always_inline __u32 segment_size(__u8 *option, __u64 left, void *end)
{
	__u32 size = 0;
	for (int n = 0; n < 8; n++) {
		if (left == 0 || (void *)(option + 1) > end)
			break;
		__u8 kind = READ(__u8, option);
		if (kind == 0)
			break;
		if (kind == 1) {
			option++;
			left--;
			continue;
		}
		if ((void *)(option + 2) > end)
			break;
		__u64 length = READ(__u8, option + 1);
		if (length < 2 || length > left)
			break;
		if (kind == 2 && length == 4) {
			if ((void *)(option + 4) > end)
				break;
			size = READ(__be16, option + 2);
		}
		barrier_var(length);
		length &= 63;
		option += length;
		left -= length;
	}
	return size;
}

/* Headers of layers 2 to 4, with the options of TCP: a hash of the flow. */
SEC("xdp")
int parse(struct xdp_md *ctx)
{
	void *p = DATA(ctx), *end = END(ctx);
	__u32 class = 1, hash = 2166136261u;
	__u8 proto;
	if (p + sizeof(struct ethhdr) > end)
		return 0;
	__be16 type = READ(__be16, p + 12);
	p += sizeof(struct ethhdr);
	for (int n = 0; n < 2; n++) {
		if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
			struct vlan_tag *tag = p;
			if ((void *)(tag + 1) > end)
				return 2;
			hash ^= READ(__be16, &tag->id);
			type = READ(__be16, &tag->proto);
			p += sizeof(*tag);
			class += 16;
		}
	}
	if (type == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = p;
		if ((void *)(ip + 1) > end)
			return 3;
		__u8 first = READ(__u8, p);
		__u64 length = (first & 15) * 4;
		if (first >> 4 != 4 || length < sizeof(*ip))
			return 4;
		proto = READ(__u8, &ip->protocol);
		__be16 fragment = READ(__be16, &ip->frag_off);
		if (fragment & bpf_htons(0x3fff)) {
			class += 256;
			if (fragment & bpf_htons(0x1fff))
				return class;
		}
		hash = MIX(hash, READ(__be32, &ip->saddr));
		hash = MIX(hash, READ(__be32, &ip->daddr));
		p += length;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = p;
		if ((void *)(ip + 1) > end)
			return 5;
		proto = READ(__u8, &ip->nexthdr);
		hash = MIX(hash, READ(__be32, &ip->saddr));
		hash = MIX(hash, READ(__be32, (void *)&ip->daddr + 12));
		p += sizeof(*ip);
		class += 1024;
		for (int n = 0; n < 3; n++) {
			if (proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS) {
				if (p + 8 > end)
					return 6;
				proto = READ(__u8, p);
				__u64 length = ((__u64)READ(__u8, p + 1) + 1) * 8;
				barrier_var(length);
				p += length & 0xfff;
			}
		}
	} else {
		return type == bpf_htons(ETH_P_ARP) ? 7 : 8;
	}
	switch (proto) {
	case IPPROTO_TCP: {
		struct tcphdr *tcp = p;
		if ((void *)(tcp + 1) > end)
			return 9;
		__be16 source = READ(__be16, &tcp->source), dest = READ(__be16, &tcp->dest);
		__u64 length = (READ(__u8, p + 12) >> 4) * 4;
		__u8 flags = READ(__u8, p + 13);
		hash = MIX(hash, (__u32)source << 16 | dest);
		if (flags & 2)
			class += 2;
		if (flags & 1)
			class += 4;
		if (flags & 4)
			class += 8;
		if (length < sizeof(*tcp))
			return 10;
		__u32 size = segment_size(p + sizeof(*tcp), length - sizeof(*tcp), end);
		if (dest == bpf_htons(80) || dest == bpf_htons(443))
			class += 4096;
		else if (dest == bpf_htons(22))
			class += 8192;
		return hash ^ class ^ size;
	}
	case IPPROTO_UDP: {
		struct udphdr *udp = p;
		if ((void *)(udp + 1) > end)
			return 11;
		__be16 dest = READ(__be16, &udp->dest);
		hash = MIX(hash, READ(__u32, p));
		if (dest == bpf_htons(53))
			class += 32;
		else if (dest == bpf_htons(4789))
			class += 64;
		else if (dest == bpf_htons(443))
			class += 128;
		return hash ^ class;
	}
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (p + 4 > end)
			return 12;
		return READ(__u8, p) + 0x10000 + class;
	}
	return hash ^ proto;
}

/* The smallest filter. */
SEC("xdp")
int drop_icmp(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	struct iphdr *ip = data + sizeof(struct ethhdr);
	if ((void *)(ip + 1) > END(ctx) || READ(__be16, data + 12) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	return READ(__u8, &ip->protocol) == IPPROTO_ICMP ? XDP_DROP : XDP_PASS;
}

/* 2000 calls of a helper that does next to nothing. */
SEC("xdp")
int helper(struct xdp_md *ctx)
{
	__u64 sum = 0;
	for (__u32 n = 0; n < 2000; n++) {
		barrier_var(n);
		sum += bpf_get_numa_node_id() + n;
	}
	return sum;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 256);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 65536);
} sources SEC(".maps");

/* Packets counted by protocol and by source address. */
SEC("xdp")
int map(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	struct iphdr *ip = data + sizeof(struct ethhdr);
	if ((void *)(ip + 1) > END(ctx) || READ(__be16, data + 12) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__u32 key = ip->protocol;
	__u32 source = ip->saddr;
	__u64 one = 1;
	__u64 *count = bpf_map_lookup_elem(&protocols, &key);
	if (count)
		*count += 1;
	count = bpf_map_lookup_elem(&sources, &source);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&sources, &source, &one, BPF_ANY);
	return XDP_PASS;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 256);
} counters SEC(".maps");

/* 1000 lookups in a map, and an addition to what is there. */
#define LOOKUPS(map)                                                \
	for (__u32 n = 0; n < 1000; n++) {                          \
		__u32 key = n & 255;                                \
		__u64 *count = bpf_map_lookup_elem(map, &key);      \
		if (count)                                          \
			*count += 1;                                \
	}

SEC("xdp")
int lookup_array(struct xdp_md *ctx)
{
	LOOKUPS(&protocols);
	return XDP_PASS;
}

SEC("xdp")
int lookup_percpu(struct xdp_md *ctx)
{
	LOOKUPS(&counters);
	return XDP_PASS;
}

SEC("xdp")
int lookup_hash(struct xdp_md *ctx)
{
	LOOKUPS(&sources);
	return XDP_PASS;
}

static __noinline __u64 inner(__u64 v)
{
	barrier_var(v);
	return v ^ v >> 3;
}

static __noinline __u64 outer(__u64 v, __u64 n)
{
	barrier_var(v);
	return inner(v + n) * 5 + n;
}

/* 1000 times a function that calls a function. */
SEC("xdp")
int calls(struct xdp_md *ctx)
{
	void *data = DATA(ctx);
	if (data + 64 > END(ctx))
		return XDP_ABORTED;
	__u64 v = READ(__u64, data);
	for (__u32 n = 0; n < 1000; n++) {
		barrier_var(n);
		v = outer(v, n);
	}
	return v;
}

int tailcall(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, 1);
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {
	.values = { (void *)&tailcall },
};

/* Hands on to itself as often as the kernel lets it. */
SEC("xdp")
int tailcall(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &next, 0);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
