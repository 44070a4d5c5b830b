// Package compat says which release of Linux a program needs, and why: which
// helpers, map types, instructions and so on it uses, since when each is there,
// and which instruction and source line asks for it.
//
// [Of] lists what one program needs, [Read] what all programs of an object do and
// what the object does beside them. [Oldest] is the release that has all of it.
//
// The releases are those of bpf/linux: of the main line, with nothing that
// distributions ported back, and for x86-64 where machines differ. They bound
// what a kernel can take from below. That it takes a program is for its verifier
// to say, which from release to release sees more of what is safe, and for its
// configuration.
//
// Some needs are [Need.Optional]: loaders rewrite or leave out what an old kernel
// doesn't know of (type information, settings of maps), an extern may be weak, and
// a program may ask before it calls.
package compat
