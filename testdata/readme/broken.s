.license "GPL"
.program xdp, broken
	r2 = *(u32 *)(r1 + xdp_md.data)
	r3 = *(u64 *)(r2)
	w3 += r2
	call bpf_ktime_get_nanoseconds
	if r3 > 0x1ffffffff goto drop
	r0 = XDP_PASS
	exit
