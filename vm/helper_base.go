package vm

import "ebtools/bpf/linux"

var baseHelpers = []helper{
	{id: linux.FnGetPrandomU32, fn: getPrandomU32},
	{id: linux.FnGetSmpProcessorId, fn: getSmpProcessorID},
	{id: linux.FnGetNumaNodeId, fn: getNumaNodeID},
}

// getPrandomU32: a pseudo-random number of 32 bits.
func getPrandomU32(t *thread, r *registers) { r[0] = uint64(t.random32()) }

// getSmpProcessorID: the number of the simulated CPU.
func getSmpProcessorID(t *thread, r *registers) { r[0] = uint64(t.cpu) }

// getNumaNodeID: there is one node, number 0.
func getNumaNodeID(_ *thread, r *registers) { r[0] = 0 }
