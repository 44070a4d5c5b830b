package linux

// Callback is a function of the program that a helper calls.
type Callback struct {
	Args  []CallbackArg // what it finds in r1, r2, …; it can't read the others
	Range ReturnRange   // what it may return
	// Async: it runs after the helper has returned, and not as a part of the call.
	Async bool
	// Many: it is called any number of times, or never.
	Many bool
}

// CallbackArg is the kind of register that a callback finds.
type CallbackArg uint8

const (
	CallbackNumber   CallbackArg = iota // an unknown number
	CallbackContext                     // what the helper got as the context: its argument of kind ArgStack
	CallbackMap                         // the map
	CallbackMapKey                      // pointer to a key of the map
	CallbackMapValue                    // pointer to a value of the map
	CallbackTask                        // trusted pointer to the helper's struct task_struct
	CallbackVMA                         // pointer to a struct vm_area_struct, not a trusted one
	CallbackDynptr                      // a dynptr to be read
)

// Callback returns what the helper does with the function that it takes. It is
// false for helpers that take none.
func (h Helper) Callback() (Callback, bool) {
	c, ok := helperCallbacks[h.ID]
	return c, ok
}

// helperCallbacks has the functions set_*_callback_state of kernel/bpf/verifier.c.
var helperCallbacks = map[HelperID]Callback{
	FnForEachMapElem: {
		Args:  []CallbackArg{CallbackMap, CallbackMapKey, CallbackMapValue, CallbackContext},
		Range: CallbackRange, Many: true,
	},
	FnLoop:             {Args: []CallbackArg{CallbackNumber, CallbackContext}, Range: CallbackRange, Many: true},
	FnFindVma:          {Args: []CallbackArg{CallbackTask, CallbackVMA, CallbackContext}, Range: CallbackRange, Many: true},
	FnUserRingbufDrain: {Args: []CallbackArg{CallbackDynptr, CallbackContext}, Range: CallbackRange, Many: true},
	FnTimerSetCallback: {Args: []CallbackArg{CallbackMap, CallbackMapKey, CallbackMapValue}, Range: TimerRange, Async: true},
}
