package against

import (
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/vm"
)

// hook is how programs of a type are run on either side.
type hook struct {
	inKernel func(p *kernel.Program, in Input) (Outcome, error)
	inVM     func(p *vm.Program, in Input, cpu int) (Outcome, error)
}

// hooks are the types of programs that can be compared.
var hooks = map[linux.ProgramType]hook{
	linux.ProgXDP: {xdpInKernel, xdpInVM},
}

func xdpInKernel(p *kernel.Program, in Input) (Outcome, error) {
	out, err := p.Run(kernel.Input{Data: in.Packet})
	if err != nil {
		return Outcome{}, err
	}
	n := out.Metadata()
	return Outcome{Return: out.Return, Metadata: out.Data[:n], Packet: out.Data[n:]}, nil
}

// xdpInVM has the packet arrive where it does in the kernel: at the loopback
// device, interface 1.
func xdpInVM(p *vm.Program, in Input, cpu int) (Outcome, error) {
	out, err := p.RunXDP(&vm.Frame{Data: in.Packet, IngressIfindex: 1, CPU: cpu, TimeNS: in.TimeNS})
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Return: out.Verdict, Metadata: out.Metadata(), Packet: out.Data()}, nil
}
