package vm

import "ebtools/bpf/linux"

// The clocks of the kernel are one here: the machine's.
var timeHelpers = []helper{
	{id: linux.FnKtimeGetNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetBootNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetCoarseNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetTaiNs, fn: ktimeGetNs},
	{id: linux.FnJiffies64, fn: jiffies64},
}

// jiffiesPerSecond is the kernel's CONFIG_HZ; 250 is what most distributions
// build with.
const jiffiesPerSecond = 250

// ktimeGetNs: the clock in ns.
func ktimeGetNs(t *thread, r *registers) { r[0] = t.clock() }

// jiffies64: the clock in ticks of 4 ms.
func jiffies64(t *thread, r *registers) {
	r[0] = t.clock() / (1_000_000_000 / jiffiesPerSecond)
}
