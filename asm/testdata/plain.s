# A program in the plain dialect, without the comfortable directives: loaders
# take it all the same.
	.section license, "aw"
	.asciz "GPL"

	.section xdp, "ax", @progbits
	.globl first
first:
	r6 = r1
	r1 = calls ll
	r2 = 1
	lock *(u64 *)(r1 + 0) += r2
	r1 = limits ll
	r7 = *(u32 *)(r1 + 4)
	r1 = seen ll
	*(u8 *)(r1 + 3) = 1
	r1 = format ll
	r2 = .Lend - format
	r3 = r7
	call bpf_trace_printk
	call twice
	goto 1f
1:	r0 = 2
	exit

	.globl second
second:
	r0 = 1
	exit

	.text
twice:
	r0 = 2
	exit

	.data
	.globl calls
calls:	.quad 5

	.rodata
limits:	.long 1, 2, 3
format:	.asciz "hi %d\n"
.Lend:

	.bss
seen:	.zero 16
