package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	output := flag.String("o", "", "write what is printed to `FILE` too")
	profile := flag.String("profile", "", "only record a profile of the workloads, to `FILE`")
	rounds := flag.Int("rounds", 15, "measure `N` times")
	count := flag.Int("packets", 1_000_000, "have `N` packets in the capture; 0: no capture")
	flag.Parse()
	all, err := open()
	if err != nil {
		return err
	}
	if *profile != "" {
		return record(*profile, all)
	}
	for range *rounds {
		for i := range all {
			if err := all[i].measure(); err != nil {
				return fmt.Errorf("%s: %w", all[i].name, err)
			}
		}
	}
	var text bytes.Buffer
	writeHead(&text)
	writeWorkloads(&text, all)
	if *count > 0 {
		c, err := measureCommands(*count)
		if err != nil {
			return err
		}
		c.write(&text)
	}
	if *output != "" {
		if err := os.WriteFile(*output, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	_, err = os.Stdout.Write(text.Bytes())
	return err
}

// record writes a profile of all workloads, each run for the same time.
func record(name string, all []workload) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	for i := range all {
		for begin := time.Now(); time.Since(begin) < time.Second; {
			if err := all[i].measureHere(); err != nil {
				return err
			}
		}
	}
	pprof.StopCPUProfile()
	return f.Close()
}
