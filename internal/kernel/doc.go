// Package kernel runs programs in the running kernel, for comparison: bit by
// bit as they are, through the bpf system call itself, where a loader would
// rewrite them. Linux only, from 5.14 on; elsewhere New says ErrUnsupported.
//
// Numbers in keys, values and contexts are in the byte order of the machine.
package kernel

import (
	"errors"
	"fmt"
	"strings"

	"ebtools/bpf/linux"
)

// ErrUnsupported says that this is not Linux.
var ErrUnsupported = errors.New("there is no Linux kernel here")

// Error is what the kernel refused. It wraps the error number.
type Error struct {
	Op    string // "create map counts", "load program drop"
	Errno linux.Errno
	Log   string // the verifier's, up to its end; of loads only
}

// Error gives the operation, the error number and the verifier's last word.
func (e *Error) Error() string {
	text := e.Op + ": " + e.Errno.Error()
	if reason := e.Reason(); reason != "" {
		text += ": " + reason
	}
	return text
}

// Unwrap gives the error number.
func (e *Error) Unwrap() error { return e.Errno }

// Reason is the last line of the log that says something, "" without a log.
func (e *Error) Reason() string {
	reason := ""
	for line := range strings.Lines(e.Log) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "processed ") && !strings.HasPrefix(line, "verification time ") &&
			!strings.HasPrefix(line, "stack depth ") {
			reason = line
		}
	}
	return reason
}

// failed makes an Error of a system call's error, where it is a number.
func failed(err error, op string, args ...any) error {
	if err == nil {
		return nil
	}
	op = fmt.Sprintf(op, args...)
	var errno linux.Errno
	if errors.As(err, &errno) {
		return &Error{Op: op, Errno: errno}
	}
	return fmt.Errorf("%s: %w", op, err)
}
