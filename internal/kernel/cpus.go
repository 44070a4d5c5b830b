package kernel

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// PossibleCPUs is how many values an entry of a per-CPU map has.
func PossibleCPUs() (int, error) { return possibleCPUs() }

var possibleCPUs = sync.OnceValues(func() (int, error) {
	text, err := readPossibleCPUs()
	if err != nil {
		return 0, err
	}
	return lastCPU(text)
})

// lastCPU reads a list of CPUs such as "0-3" or "0,2-5".
func lastCPU(list string) (int, error) {
	list = strings.TrimSpace(list)
	last := list[strings.LastIndexAny(list, "-,")+1:]
	n, err := strconv.Atoi(last)
	if err != nil {
		return 0, fmt.Errorf("possible CPUs %q: %w", list, err)
	}
	return n + 1, nil
}
