/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0) */
/*
 * What record.sh does to frames on their way, as programs for tc's clsact
 * hooks: putting VLAN tags on as frames leave one end of a link, taking them
 * off as they reach the other (so that the stacks at both ends, which know of
 * no VLAN, still talk to each other), and losing some TCP segments.
 *
 * tcpdump sees a frame after the egress hook and before the ingress hook: with
 * its tags, and whether or not it is about to be lost.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PRIORITY(n) ((n) << 13)

/* One tag: 802.1Q, VLAN 100, priority 3. */
SEC("tc")
int push_single(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), PRIORITY(3) | 100))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* Two tags: 802.1Q, VLAN 300, and around it 802.1ad, VLAN 200. */
SEC("tc")
int push_double(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 300) ||
	    bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 200))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* Takes off up to two tags. */
SEC("tc")
int pop(struct __sk_buff *skb)
{
#pragma unroll
	for (int i = 0; i < 2; i++)
		if (skb->vlan_present && bpf_skb_vlan_pop(skb))
			return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* TCP segments over IPv4 seen so far. */
static __u32 segments;

/* Loses the first segment of TCP over IPv4 and every eighth after it. */
SEC("tc")
int lose(struct __sk_buff *skb)
{
	__u8 proto;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &proto, sizeof(proto)))
		return TC_ACT_OK;
	if (proto != IPPROTO_TCP)
		return TC_ACT_OK;
	return segments++ % 8 == 0 ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
