# One map of each kind that needs no device, program or cgroup to be made.
	.license "GPL"

	.map hashes, type=hash, key=struct flow {be32 saddr, daddr; be16 ports[2], u8 proto},
		value={u64 packets, u64 bytes, union {u32 all, u8 parts[4]} marks}, max_entries=16, flags=BPF_F_NO_PREALLOC
	.map flows, type=lru_hash, key=struct flow, value=8, max_entries=4 + 4
	.map percpu, type=percpu_hash, key=4, value=u32[4], max_entries=8
	.map prefixes, type=lpm_trie, key={u32 length, u8 address[4]}, value=u32, max_entries=8, flags=BPF_F_NO_PREALLOC
	.map slots, type=array, value=struct slot {struct bpf_spin_lock lock, u32 n}, max_entries=2
	.map totals, type=percpu_array, value=u64, max_entries=1
	.map events, type=ringbuf, max_entries=4096
	.map perf, type=perf_event_array
	.map todo, type=queue, value=u32, max_entries=4
	.map undo, type=stack, value=u32, max_entries=4
	.map filter, type=bloom_filter, value=u32, max_entries=100, map_extra=3
	.map traces, type=stack_trace, key=4, value=8 * 16, max_entries=4
	.map jumps, type=prog_array, max_entries=2
	.map outer, type=array_of_maps, max_entries=2, inner={type=array, key=u32, value=u32, max_entries=1}
	.map by_id, type=hash_of_maps, key=u64, max_entries=2, inner={type=hash, key=4, value=8, max_entries=3}
	.map kept, type=task_storage, value=u64, flags=BPF_F_NO_PREALLOC

	.program xdp, look
	*(u32 *)(r10 - 4) = 0
	r1 = slots ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r6 = r0
	r1 = r0
	call bpf_spin_lock
	r1 = *(u32 *)(r6 + slot.n)
	w1 += 1
	*(u32 *)(r6 + slot.n) = w1
	r1 = r6
	call bpf_spin_unlock
out:
	r0 = XDP_PASS
	exit

	.program "tracepoint/syscalls/sys_enter_getpid", count
	*(u32 *)(r10 - 4) = 7
	r1 = todo ll
	r2 = r10
	r2 += -4
	r3 = BPF_ANY
	call bpf_map_push_elem
	r0 = 0
	exit
