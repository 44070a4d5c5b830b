# Drops UDP over IPv4 and counts what it drops.
	.license "GPL"
	.map	drops, type=array, key=u32, value={u64 packets, u64 bytes}, max_entries=1

	.program xdp, drop_udp
	r6 = *(u32 *)(r1 + xdp_md.data)
	r7 = *(u32 *)(r1 + xdp_md.data_end)
	r0 = XDP_PASS
	r1 = r6
	r1 += 34			# the Ethernet and IPv4 headers
	if r1 > r7 goto out		# may be read only if they are there
	r1 = *(u16 *)(r6 + 12)
	r1 = be16 r1
	if r1 != ETH_P_IP goto out
	r1 = *(u8 *)(r6 + 23)
	if r1 != IPPROTO_UDP goto out

	*(u32 *)(r10 - 4) = 0		# the key, on the stack
	r1 = drops ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto drop
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1
	r7 -= r6
	lock *(u64 *)(r0 + 8) += r7
drop:
	r0 = XDP_DROP
out:
	exit
