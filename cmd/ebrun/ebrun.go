package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"ebtools"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/cli"
	"ebtools/internal/preset"
	"ebtools/internal/show"
	"ebtools/replay"
	"ebtools/verifier"
	"ebtools/vm"
)

// options are the command's flags.
type options struct {
	pcap      string
	programs  []string
	maps      bool
	packets   bool
	trace     bool
	unchecked bool
	chain     bool
	events    bool
	json      bool
	cpus      int
	jobs      int
	seed      uint64
	clock     string
	set, fill []string
	network   []string
	against   bool
}

func command() *cli.Command {
	var o options
	flags := pflag.NewFlagSet("ebrun", pflag.ContinueOnError)
	flags.StringVar(&o.pcap, "pcap", "", "run on the packets of capture `FILE`: pcap or pcapng, gzip\ntoo; - for standard input")
	flags.StringArrayVar(&o.programs, "prog", nil, "run only the program called `NAME`; may be repeated")
	flags.BoolVar(&o.packets, "packets", false, "print a line per packet with its verdict")
	flags.BoolVar(&o.maps, "maps", false, "print the maps afterwards")
	flags.BoolVar(&o.events, "events", false, "print what programs send to ring buffers and perf events")
	flags.BoolVar(&o.trace, "trace", false, "print bpf_trace_printk lines on standard error")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	flags.BoolVar(&o.unchecked, "unchecked", false, "run also what the verifier rejects; accesses are checked\nall the same")
	flags.BoolVar(&o.chain, "chain", false, "run each program on what the one before left of the packet,\nas long as they let it pass")
	flags.IntVar(&o.cpus, "cpus", 1, "simulate `N` CPUs, on which packets take turns (default 1)")
	flags.IntVar(&o.jobs, "jobs", 1, "run on `N` threads, which share the simulated CPUs out\namong them (default 1)")
	flags.Uint64Var(&o.seed, "seed", 0, "start random numbers from `N` (default 0)")
	flags.StringVar(&o.clock, "clock", "capture", "what clocks show: `WHAT` is capture (the packet's time,\ndefault), fixed, fixed=TIME or step=1us for each look")
	flags.StringArrayVar(&o.set, "set", nil, "set a global variable or a part of it: `NAME=VALUE` such as\nlimit=10, config.ports[0]=80, name=eth0; may be repeated")
	flags.StringArrayVar(&o.fill, "map", nil, "fill a map first: `NAME=@FILE` of JSON, as --maps --json\nprints it, or NAME=JSON; may be repeated")
	flags.StringArrayVar(&o.network, "network", nil, "what bpf_fib_lookup finds: `FILE` holds the output of\nip -json address, route or neighbor; may be repeated")
	flags.BoolVar(&o.against, "against-kernel", false, "run each packet in the kernel too and say where the two\ndiffer: in verdict, packet or maps")
	return &cli.Command{
		Name:     "ebrun",
		Synopsis: "run eBPF programs offline, over the packets of a capture",
		Usage:    "--pcap FILE|- [flags] PROG.s|PROG.o|-",
		Examples: "ebrun --pcap capture.pcap prog.s\ntcpdump -w - -c 100 | ebrun --pcap - --maps --json prog.o",
		Flags:    flags,
		Run:      func(env *cli.Env, args []string) error { return run(env, &o, args) },

		Subcommands: []*cli.Command{pluginCommand()},
	}
}

func run(env *cli.Env, o *options, args []string) error {
	switch {
	case len(args) == 0:
		return cli.Usagef("no program file given")
	case len(args) > 1:
		return cli.Usagef("one program file expected, but %d were given: %s", len(args), strings.Join(args, " "))
	case o.pcap == "":
		return cli.Usagef("no input given: --pcap FILE says which packets to run on")
	case o.pcap == "-" && args[0] == "-":
		return cli.Usagef("both the program and the capture can't come from standard input")
	case o.packets && o.json:
		return cli.Usagef("--packets prints lines for people and does not go with --json")
	case o.cpus < 1 || o.cpus > maxCPUs:
		return cli.Usagef("--cpus is %d, expected 1 to %d", o.cpus, maxCPUs)
	case o.jobs < 1 || o.jobs > o.cpus:
		return cli.Usagef("--jobs is %d, expected 1 to %d: no more than the simulated CPUs (--cpus)", o.jobs, o.cpus)
	case o.jobs > 1 && o.packets:
		return cli.Usagef("--packets prints packets in their order and does not go with --jobs")
	case o.events && o.json:
		return cli.Usagef("--events prints lines for people and does not go with --json")
	case o.against && (o.events || o.packets || o.maps || o.chain || o.cpus > 1 || o.clock != "capture" || len(o.network) > 0):
		return cli.Usagef("--against-kernel does not go with --packets, --events, --maps, --chain, --cpus, --jobs, --clock or --network")
	}
	if o.against {
		return compareWithKernel(env, o, args[0])
	}
	sent := newEvents(nil)
	if o.events {
		sent.w = env.Stdout
	}
	machine, programs, err := prepare(env, o, args[0], sent.take)
	if err != nil {
		return err
	}
	input, capture, err := openCapture(env, o.pcap)
	if err != nil {
		return err
	}
	defer input.Close()
	runner := &replay.Runner{Programs: programs, Chain: o.chain, CPUs: o.cpus, Workers: machine.Workers()}
	if o.packets {
		runner.OnPacket = packetPrinter(env.Stdout, len(programs) > 1)
	}
	report, runErr := runner.Run(capture)
	if runErr != nil {
		runErr = cli.Exit(cli.BadInput, fmt.Errorf("%s: %w", o.pcap, runErr))
	}
	results := results{input: o.pcap, report: report, machine: machine, showMaps: o.maps, events: sent}
	write := results.writeText
	if o.json {
		write = results.writeJSON
	}
	if err := write(env.Stdout); err != nil {
		return err
	}
	if runErr != nil {
		return runErr
	}
	return faultSummary(report)
}

// maxCPUs is as many as Linux can be configured for.
const maxCPUs = 8192

// openChecked opens and checks the program file, sets its variables, and picks
// the programs to run.
func openChecked(env *cli.Env, o *options, name string) (*ebtools.File, []*bpf.Program, error) {
	file, err := open(env, name)
	if err != nil {
		return nil, nil, cli.Exit(cli.BadObject, err)
	}
	if err := renderAll(env, file.Problems); err != nil {
		return nil, nil, err
	}
	wanted, err := choose(env, o, file)
	if err != nil {
		return nil, nil, err
	}
	if !o.unchecked {
		if err := verify(env, file.Object, wanted); err != nil {
			return nil, nil, err
		}
	}
	for _, assignment := range o.set {
		if err := preset.Variable(file.Object, assignment); err != nil {
			return nil, nil, cli.Usagef("--set: %v", err)
		}
	}
	return file, wanted, nil
}

// prepare makes the machine that runs the program file.
func prepare(env *cli.Env, o *options, name string, event func(vm.Event)) (*vm.Machine, []*vm.Program, error) {
	file, wanted, err := openChecked(env, o, name)
	if err != nil {
		return nil, nil, err
	}
	opts := vm.Options{CPUs: o.cpus, Workers: o.jobs, Seed: o.seed, Trace: tracer(env, o), Event: event}
	if opts.Network, err = readNetwork(o.network); err != nil {
		return nil, nil, cli.Exit(cli.BadInput, err)
	}
	if opts.Clock, err = parseClock(o.clock); err != nil {
		return nil, nil, cli.Usagef("--clock: %v", err)
	}
	machine, err := vm.New(file.Object, opts)
	if err != nil {
		return nil, nil, cli.Exit(cli.BadObject, fmt.Errorf("%s: %w", name, err))
	}
	for _, assignment := range o.fill {
		if err := fill(machine, file.Object, o.cpus, assignment); err != nil {
			return nil, nil, err
		}
	}
	programs := make([]*vm.Program, len(wanted))
	for i, p := range wanted {
		programs[i] = machine.Program(p.Name)
	}
	return machine, programs, nil
}

// readNetwork reads the files of --network; none means that nothing is known.
func readNetwork(files []string) (*vm.Network, error) {
	if len(files) == 0 {
		return nil, nil
	}
	var outputs [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, b)
	}
	network, err := replay.ParseNetwork(outputs...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(files, ", "), err)
	}
	return network, nil
}

// tracer prints what programs print, nil if nobody wants it.
func tracer(env *cli.Env, o *options) func(string) {
	if !o.trace {
		return nil
	}
	return func(line string) { fmt.Fprintln(env.Stderr, strings.TrimSuffix(line, "\n")) }
}

// fill puts entries into a map, as --map says.
func fill(machine *vm.Machine, obj *bpf.Object, cpus int, assignment string) error {
	def, entries, err := preset.Entries(obj, cpus, assignment)
	if err != nil {
		return cli.Usagef("--map: %v", err)
	}
	for i, e := range entries {
		if err := machine.Map(def.Name).Update(e.Key, e.Value, linux.Any); err != nil {
			return cli.Usagef("--map: map %s: entry %d: %v", show.Name(def.Name), i, err)
		}
	}
	return nil
}

// verify checks the programs. It prints warnings, unless an error shows them too.
func verify(env *cli.Env, obj *bpf.Object, programs []*bpf.Program) error {
	var findings bpf.Diagnostics
	for _, p := range programs {
		findings = append(findings, verifier.Check(p, obj)...)
	}
	if err := findings.Err(); err != nil {
		return cli.Exit(cli.Rejected, err)
	}
	return renderAll(env, findings)
}

func renderAll(env *cli.Env, list bpf.Diagnostics) error {
	for _, d := range list {
		if err := d.Render(env.Stderr); err != nil {
			return err
		}
	}
	return nil
}

func open(env *cli.Env, name string) (*ebtools.File, error) {
	if name == "-" {
		return ebtools.OpenReader("<stdin>", env.Stdin, ebtools.Options{})
	}
	return ebtools.Open(name)
}

// choose picks the programs to run: those of --prog, else all that run on
// packets.
func choose(env *cli.Env, o *options, file *ebtools.File) ([]*bpf.Program, error) {
	var chosen []*bpf.Program
	for _, p := range file.Object.Programs {
		switch named := o.named(p.Name); {
		case named || len(o.programs) == 0 && replay.Runs(p.Type):
			if !replay.Runs(p.Type) {
				return nil, cli.Exit(cli.BadObject, fmt.Errorf("program %s is of type %s, which does not run on packets", p.Name, p.Type))
			}
			chosen = append(chosen, p)
		case len(o.programs) == 0:
			fmt.Fprintf(env.Stderr, "ebrun: program %s is not run: programs of type %s don't run on packets\n", p.Name, p.Type)
		}
	}
	if missing := o.missing(file.Object.Programs); missing != "" {
		return nil, cli.Usagef("no program is called %s; there is %s", missing, names(file.Object.Programs))
	}
	if len(chosen) == 0 {
		return nil, cli.Exit(cli.BadObject, fmt.Errorf("%s: no program in it runs on packets", file.Object.Name))
	}
	return chosen, nil
}

func (o *options) named(name string) bool {
	for _, n := range o.programs {
		if n == name {
			return true
		}
	}
	return false
}

// missing gives a name from --prog that no program has.
func (o *options) missing(programs []*bpf.Program) string {
	for _, n := range o.programs {
		found := false
		for _, p := range programs {
			found = found || p.Name == n
		}
		if !found {
			return n
		}
	}
	return ""
}

func names(programs []*bpf.Program) string {
	if len(programs) == 0 {
		return "none"
	}
	list := make([]string, len(programs))
	for i, p := range programs {
		list[i] = p.Name
	}
	return strings.Join(list, ", ")
}

// openCapture opens the input; it is to be closed.
func openCapture(env *cli.Env, name string) (io.Closer, *replay.Capture, error) {
	input, err := openInput(env, name)
	if err != nil {
		return nil, nil, cli.Exit(cli.BadInput, err)
	}
	capture, err := replay.OpenCapture(input)
	if err != nil {
		input.Close()
		return nil, nil, cli.Exit(cli.BadInput, fmt.Errorf("%s: %w", name, err))
	}
	return input, capture, nil
}

func openInput(env *cli.Env, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(env.Stdin), nil
	}
	return os.Open(name)
}

// faultSummary is the error a run with faults ends with. The faults themselves
// have been printed with the results.
func faultSummary(report *replay.Report) error {
	for _, p := range report.Programs {
		if len(p.Faults) > 0 {
			return cli.Exit(cli.Failed, errors.New("some packets got no verdict, see above"))
		}
	}
	return nil
}
