/* SPDX-License-Identifier: Apache-2.0 */
/* Map definitions of section maps, from before there was BTF. */
#include "bpf.h"

struct old {
	u32 type, key_size, value_size, max_entries, flags;
};

struct iproute2 {
	u32 type, key_size, value_size, max_entries, flags;
	u32 id, pinning, inner_id, inner_index;
};

struct old plain SEC("maps") = { 1, 4, 8, 32, 1 };
struct iproute2 inner SEC("maps/tc") = { .type = 2, .key_size = 4, .value_size = 8, .max_entries = 1, .id = 7 };
struct iproute2 outer SEC("maps/tc") = { .type = 12, .key_size = 4, .value_size = 4, .max_entries = 2, .pinning = 2, .inner_id = 7 };

SEC("classifier") int count(void *ctx)
{
	u32 key = 1;
	u64 *value = map_lookup(&plain, &key);

	if (value)
		*value += 1;
	return map_lookup(&outer, &key) != 0;
}

char LICENSE[] SEC("license") = "GPL";
