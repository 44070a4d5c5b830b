package vm

import "ebtools/bpf/linux"

var baseHelpers = []helper{
	{id: linux.FnKtimeGetNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetBootNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetCoarseNs, fn: ktimeGetNs},
	{id: linux.FnKtimeGetTaiNs, fn: ktimeGetNs},
	{id: linux.FnJiffies64, fn: jiffies64},
	{id: linux.FnGetPrandomU32, fn: getPrandomU32},
	{id: linux.FnGetSmpProcessorId, fn: getSmpProcessorID},
	{id: linux.FnGetNumaNodeId, fn: getNumaNodeID},
}

// jiffiesPerSecond is the kernel's CONFIG_HZ; 250 is what most distributions
// build with.
const jiffiesPerSecond = 250

// ktimeGetNs: the clock in ns. All the kernel's clocks are one here.
func ktimeGetNs(t *thread, r *registers) { r[0] = t.clock() }

// jiffies64: the clock in ticks of 4 ms.
func jiffies64(t *thread, r *registers) {
	r[0] = t.clock() / (1_000_000_000 / jiffiesPerSecond)
}

// getPrandomU32: a pseudo-random number of 32 bits.
func getPrandomU32(t *thread, r *registers) { r[0] = uint64(t.random32()) }

// getSmpProcessorID: the number of the simulated CPU.
func getSmpProcessorID(t *thread, r *registers) { r[0] = uint64(t.cpu) }

// getNumaNodeID: there is one node, number 0.
func getNumaNodeID(_ *thread, r *registers) { r[0] = 0 }
