package verifier

import "errors"

// What is wrong with a program, for errors.Is. The errors of a Diagnostic begin
// with one of these and go on with the particulars.
var (
	// ErrSize: no instructions at all, or more of them, or of functions, than the kernel takes.
	ErrSize = errors.New("program size")
	// ErrInvalidInstruction: bits that are no instruction.
	ErrInvalidInstruction = errors.New("invalid instruction")
	// ErrShift: a constant shift count as wide as the register or wider.
	ErrShift = errors.New("shift count out of range")
	// ErrDivision: a division by the constant 0.
	ErrDivision = errors.New("division by zero")
	// ErrFramePointer: a write to r10.
	ErrFramePointer = errors.New("r10 is read only")
	// ErrJump: a jump out of its function or into a 64-bit immediate load.
	ErrJump = errors.New("bad jump target")
	// ErrFallThrough: a function that does not end in exit or goto.
	ErrFallThrough = errors.New("function runs off its end")
	// ErrUnreachable: code that no jump leads to.
	ErrUnreachable = errors.New("unreachable code")
	// ErrFunctions: a table of functions that does not partition the program.
	ErrFunctions = errors.New("bad table of functions")
	// ErrUnknownFunction: a call or reference that is not to the start of a function.
	ErrUnknownFunction = errors.New("no function there")
	// ErrUnknownHelper: a call of a helper that Linux does not have.
	ErrUnknownHelper = errors.New("unknown helper")
	// ErrPacketLoad: a legacy packet load in a program type that has none.
	ErrPacketLoad = errors.New("legacy packet load not allowed")
	// ErrMap: a reference to a map that is not there, or to a place that its value does not have.
	ErrMap = errors.New("bad map reference")
	// ErrStack: an access through r10 outside the frame.
	ErrStack = errors.New("outside the stack frame")
	// ErrAlignment: an access through r10 at an offset that is not a multiple of its size.
	ErrAlignment = errors.New("misaligned stack access")
	// ErrRecursion: a function that calls itself, if by way of others.
	ErrRecursion = errors.New("recursive call")
	// ErrCallDepth: more frames at once than the kernel has.
	ErrCallDepth = errors.New("calls nested too deep")
)
