package linux

// KfuncFlags are what a kernel function's registration says of it: the KF_ flags
// of include/linux/btf.h.
type KfuncFlags uint16

const (
	KfuncFlagAcquire      KfuncFlags = 1 << iota // r0 is a reference, to be released
	KfuncFlagRelease                             // the argument's reference ends here
	KfuncFlagRetNull                             // r0 may be null
	KfuncFlagTrustedArgs                         // pointers to structures have to be trusted, and no null
	KfuncFlagSleepable                           // programs that may sleep only
	KfuncFlagDestructive                         // may bring the system down: CAP_SYS_BOOT
	KfuncFlagRCU                                 // as KfuncFlagTrustedArgs, but RCU-protected pointers will do
	KfuncFlagIterNew                             // makes an iterator
	KfuncFlagIterNext                            // takes a step with one
	KfuncFlagIterDestroy                         // ends one
	KfuncFlagRCUProtected                        // within an RCU read-side section only
	KfuncFlagFastcall                            // leaves r1 to r5 as they are
	KfuncFlagArenaRet                            // r0 points into an arena
	KfuncFlagArenaArg2                           // the second argument may point into an arena
)

// Flags gives what the kernel's registration says of the function, 0 also for
// functions that [KfuncByName] does not know.
func (k Kfunc) Flags() KfuncFlags { return kfuncFlags[k.Name] }
