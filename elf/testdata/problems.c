/* SPDX-License-Identifier: Apache-2.0 */
/* One program that is well, among others that are not. */
#include "bpf.h"

extern int missing(int);
extern int kernel_function(void *) __attribute__((section(".ksyms")));
extern int CONFIG_HZ __attribute__((section(".kconfig")));
int elsewhere SEC("attic") = 1;

struct {
	NUMBER(type, 1);
	NUMBER(max_entries, 1);
	NUMBER(wings, 2);
	TYPE(key, u32);
	TYPE(value, u32);
} winged SEC(".maps");

static NOINLINE int helper(int a)
{
	return missing(a);
}

SEC("xdp") int well(void *ctx)
{
	return 2;
}

SEC("xdp") int calls_missing(void *ctx)
{
	return missing(1);
}

SEC("xdp") int calls_helper(void *ctx)
{
	return helper(1);
}

SEC("tc") int calls_kernel(void *ctx)
{
	return kernel_function(ctx);
}

SEC("tc") int reads_config(void *ctx)
{
	return CONFIG_HZ;
}

SEC("socket") int reads_elsewhere(void *ctx)
{
	return elsewhere;
}

SEC("socket") int uses_winged(void *ctx)
{
	u32 key = 0;

	return map_lookup(&winged, &key) != 0;
}

SEC("nonsense/of/mine") int untyped(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
