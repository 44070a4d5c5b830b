// Command ebrun runs eBPF programs offline: over the packets of a capture, with
// no kernel, privilege or network.
package main

import "ebtools/internal/cli"

func main() { cli.Main(command()) }
