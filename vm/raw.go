package vm

import "fmt"

// RunRaw runs the program on plain memory, as hosts other than Linux do and
// the public conformance suites expect: r1 is the address of memory, r2 its
// length in bytes. The program may read and write it. Memory is at most 1 MiB.
// RunRaw returns r0; the error, if any, is a *Fault or ErrFrame.
func (p *Program) RunRaw(memory []byte) (uint64, error) {
	t := p.machine.workers[0].thread
	if len(memory) > maxPacket {
		return 0, fmt.Errorf("%d bytes of input memory, at most %d fit: %w", len(memory), maxPacket, ErrFrame)
	}
	t.packet.onXDP()
	t.packet.begin(nil, nil, 0)
	t.mem.remap(t.raw, memory, false)
	return t.execute(p, t.raw.start, uint64(len(memory)))
}
