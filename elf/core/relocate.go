package core

import "ebtools/bpf"

// Relocate resolves a relocation, puts the result into the instruction at pc and
// says what it did. An error is one of Resolve or Apply: the instruction is then
// as compiled, and Result is COREUnresolved.
func (v *Resolver) Relocate(insns []bpf.Instruction, pc int, r Relocation) (bpf.CORERelocation, error) {
	o := v.outcome(r)
	done := bpf.CORERelocation{PC: pc, Kind: r.Kind, Root: o.root, Access: o.access}
	if o.err != nil {
		done.Why = o.err.Error()
		return done, o.err
	}
	result := o.result
	done.Local, done.Target = result.Local, result.Target
	if err := result.Apply(insns, pc); err != nil {
		done.Why = err.Error()
		return done, err
	}
	done.Why = result.Why
	done.Result = bpf.COREApplied
	if result.Poison {
		done.Result = bpf.COREPoisoned
	}
	return done, nil
}
