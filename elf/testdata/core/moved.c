/* SPDX-License-Identifier: Apache-2.0 */
/* Types of core.c, as another kernel might have them. */
#include "../bpf.h"

enum mode { ASLEEP, IDLE, STUCK, BUSY };

struct clock {
	u32 rate;
	u32 error;
	u64 ticks;
};

struct task {
	u64 pid;
	enum mode mode;
	u64 flags : 3;
	u64 more : 20;
	u64 state : 9;
	char name[32];
	struct clock clock;
};

SEC("raw_tp/kernel") int kernel(struct task *t)
{
	return t->pid;
}
