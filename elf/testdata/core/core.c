/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses that depend on the types of a kernel: moved.c has the same types as
 * another kernel might. */
#include "../bpf.h"

#define KERNEL __attribute__((preserve_access_index))

struct clock {
	u64 ticks;
	u32 rate;
} KERNEL;

struct task {
	u32 pid;
	struct clock clock;
	char name[16];
	u32 flags : 3;
	u32 state : 5;
	u32 gone;
} KERNEL;

struct task___old {
	u32 number;
} KERNEL;

enum mode { IDLE, BUSY, STUCK };

/* The questions that can be asked about types (libbpf, enum bpf_field_info_kind,
 * enum bpf_type_info_kind and enum bpf_enum_value_kind). */
#define field_size(f) __builtin_preserve_field_info(f, 1)
#define field_exists(f) __builtin_preserve_field_info(f, 2)
#define type_exists(t) __builtin_preserve_type_info(*(typeof(t) *)0, 0)
#define type_size(t) __builtin_preserve_type_info(*(typeof(t) *)0, 1)
#define enum_value(t, v) __builtin_preserve_enum_value(*(typeof(t) *)v, 1)

static NOINLINE u64 ticks(struct task *t)
{
	return t->clock.ticks;
}

SEC("raw_tp/moved") int moved(struct task *t)
{
	return t->clock.rate + t->name[3] + ticks(t);
}

SEC("raw_tp/resized") int resized(struct task *t)
{
	return t->pid;
}

SEC("raw_tp/lacking") int lacking(struct task *t)
{
	struct task___old *old = (void *)t;

	if (field_exists(t->gone))
		return t->gone;
	if (field_exists(old->number))
		return old->number;
	return 0;
}

SEC("raw_tp/questions") int questions(struct task *t)
{
	return type_exists(struct clock) + type_size(struct task) + field_size(t->name) + enum_value(enum mode, BUSY);
}

SEC("raw_tp/bits") int bits(struct task *t)
{
	return t->state;
}
