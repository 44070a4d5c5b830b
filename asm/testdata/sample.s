.license "GPL"
.map counts, type=hash, key=u32, value={u64 packets, u64 bytes}, max_entries=256
.map arr, type=array, value=8, max_entries=1
.program xdp, first
	r6 = r1
	r2 = *(u32 *)(r1 + xdp_md.data_end)
	call helper
	r1 = counts ll
	*(u32 *)(r10 - 4) = 5
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1
out:	r0 = XDP_PASS
	r1 = gvar ll
	*(u32 *)(r1 + 0) = r0
	exit
.program xdp, second
	r0 = XDP_DROP
	exit
.func helper
	r0 = 0
	exit
.bss
gvar: .zero 4
.rodata
tab: .quad 1, 2, 3
