package replay

import (
	"sync"
	"time"

	"ebtools/vm"
)

// lane runs the programs on the packets of some of the CPUs, in order: right away
// when it is the only one, else in a goroutine of its own.
type lane struct {
	runner   *Runner
	worker   *vm.Worker
	programs []*ProgramReport
	input    input
	clock    time.Duration // what looking at the clock costs
	seen     int64

	// With several lanes, packets come in batches.
	filling *batch
	work    chan *batch
	free    chan *batch
	done    sync.WaitGroup
}

// batch is packets with their bytes, copied from the reader's buffer.
type batch struct {
	bytes   []byte
	packets []batched
}

type batched struct {
	packet     Packet // without Data
	cpu        int
	start, end int // in bytes
}

// What a batch holds at most, but for one packet more.
const (
	batchBytes   = 256 << 10
	batchPackets = 1024
)

func (r *Runner) lanes(report *Report) []*lane {
	clock := clockCost()
	workers := r.Workers
	if len(workers) == 0 {
		workers = r.Programs[0].Machine().Workers()[:1]
	}
	if len(workers) == 1 {
		return []*lane{{runner: r, worker: workers[0], programs: report.Programs, clock: clock}}
	}
	list := make([]*lane, min(len(workers), max(1, r.CPUs)))
	for i := range list {
		l := &lane{runner: r, worker: workers[i], clock: clock}
		for _, p := range report.Programs {
			l.programs = append(l.programs, &ProgramReport{Program: p.Program})
		}
		l.work, l.free = make(chan *batch, 2), make(chan *batch, 4)
		for range cap(l.free) {
			l.free <- &batch{}
		}
		l.done.Go(func() {
			for b := range l.work {
				for i := range b.packets {
					p := &b.packets[i]
					p.packet.Data = b.bytes[p.start:p.end:p.end]
					l.run(&p.packet, p.cpu)
				}
				b.bytes, b.packets = b.bytes[:0], b.packets[:0]
				l.free <- b
			}
		})
		list[i] = l
	}
	return list
}

// take has the lane run the programs on a packet, which may change afterwards.
func (l *lane) take(p *Packet, cpu int) {
	if l.work == nil {
		l.run(p, cpu)
		return
	}
	if l.filling == nil {
		l.filling = <-l.free
	}
	b := l.filling
	start := len(b.bytes)
	b.bytes = append(b.bytes, p.Data...)
	kept := *p
	kept.Data, kept.record = nil, nil
	b.packets = append(b.packets, batched{kept, cpu, start, len(b.bytes)})
	if len(b.bytes) >= batchBytes || len(b.packets) >= batchPackets {
		l.work <- b
		l.filling = nil
	}
}

// close has the lane finish and adds what it counted to the report.
func (l *lane) close(report *Report) {
	if l.work == nil {
		return
	}
	if l.filling != nil {
		l.work <- l.filling
	}
	close(l.work)
	l.done.Wait()
	for i, p := range l.programs {
		report.Programs[i].add(p)
	}
}

// run runs the programs on a packet.
func (l *lane) run(p *Packet, cpu int) {
	l.input.take(p, cpu)
	l.seen++
	sample := l.seen <= sampleAll || l.seen%sampleEvery == 0
	for _, program := range l.programs {
		var begin time.Time
		if sample {
			begin = time.Now()
		}
		out, err := l.input.run(l.worker, program.Program)
		if sample {
			program.timed += max(0, time.Since(begin)-l.clock)
			program.timedRun++
		}
		said := program.count(out, err, p)
		if l.runner.OnPacket != nil {
			l.runner.OnPacket(p, program.Program, out, said.name, err)
		}
		if !l.runner.Chain {
			continue
		}
		if !said.passes {
			return
		}
		l.input.follow(program.Program.Spec().Type, out)
	}
}

// Reading the clock takes longer than a short program does. So all runs are
// timed only at first, and later some: a prime step, so as not to fall into
// step with the traffic.
const (
	sampleAll   = 1024
	sampleEvery = 61
)

// clockCost is what reading the clock twice adds to a time taken.
func clockCost() time.Duration {
	least := time.Hour
	for range 64 {
		begin := time.Now()
		least = min(least, time.Since(begin))
	}
	return least
}
