# Symbols: bindings, types, visibility, sizes, aliases and common storage.
	.addrsig
	.text
	.globl a
	.type a, @function
	.hidden a
a:	exit
.La_end:
	.size a, .La_end-a
	.weak b
	.type b, %function
	.protected b
b:	exit
	.size b, .-b
	.globl c
	.type c, STT_FUNC
	.set c, a
	.size c, 8
	.globl five
	.set five, 5
	.data
	.globl d
	.type d, @object
	.p2align 3
d:	.quad 1, 2
	.size d, .-d
	.globl inner
	.type inner, @object
	.set inner, d+8
	.size inner, 8
	.quad c, inner, five, d - inner, b - a
	.long c, inner
	.comm shared, 16, 8
	.weak nowhere
	.text
	r1 = c ll
	r1 = inner ll
	r1 = shared ll
	r1 = nowhere ll
	call c
	call b
	.globl extern1
	call extern1
