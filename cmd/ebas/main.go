// Command ebas assembles eBPF programs into object files that the kernel's
// loaders take.
package main

import "ebtools/internal/cli"

func main() { cli.Main(command()) }
