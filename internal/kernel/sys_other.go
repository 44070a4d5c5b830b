//go:build !linux

package kernel

func sysBPF(command, []byte) (int, error)             { return -1, ErrUnsupported }
func closeFD(int)                                     {}
func mapMemory(int, int64, int, bool) ([]byte, error) { return nil, ErrUnsupported }
func unmapMemory([]byte)                              {}
func openPerf(int) (int, error)                       { return -1, ErrUnsupported }
func readPossibleCPUs() (string, error)               { return "", ErrUnsupported }

// BindCPU gives ErrUnsupported: this is not Linux.
func BindCPU() (cpu int, release func(), err error) { return 0, nil, ErrUnsupported }
