/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in sections that iproute2 names after where they go in a map. */
#include "bpf.h"

struct iproute2 {
	u32 type, key_size, value_size, max_entries, flags;
	u32 id, pinning, inner_id, inner_index;
};

struct iproute2 jumps SEC("maps") = { .type = 3, .key_size = 4, .value_size = 4, .max_entries = 3, .id = 7 };

SEC("7/2") int last(void *ctx)
{
	return 2;
}

SEC("7/0") int start(void *ctx)
{
	tail_call(ctx, &jumps, 2);
	return 0;
}

SEC("7/3") int beyond(void *ctx)
{
	return 3;
}

SEC("action") int entry(void *ctx)
{
	tail_call(ctx, &jumps, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
