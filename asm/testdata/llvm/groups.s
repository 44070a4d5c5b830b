# Groups of sections, sections of the same name, and weak references.
	.type f, @function
	.size f, 8
	.type g, @function
	.size g, 16
	.section a,"ax",@progbits,unique,1
	exit
	.section a,"ax",@progbits,unique,2
	exit
	.section .text.f,"axG",@progbits,f,comdat
	.weak f
f:	exit
	.section .rodata.f,"aG",@progbits,f,comdat
	.byte 1
	.section .text.g,"axG",@progbits,g
	.globl g
g:	exit
	.section .text.g,"ax?",@progbits
	exit
	.section .foo,"a?"
	.byte 1
	.section b,"ao",@progbits,f
	.byte 2
	.section b,"ao",@progbits,g
	.byte 3
	.section c,"aMSG",@progbits,1,f,comdat
	.asciz "x"
	.section d,"ax"
	.weakref w, target
	r1 = w ll
	call ww2
	.weakref ww2, target2
	.ident "one"
	.ident "two"
	.weakref w3, ww3
	.section e,"ax"
	r1 = w3x ll
	.weakref w3x, ww3
	r2 = ww3 ll
	.addrsig
	.addrsig_sym f
	.addrsig_sym unseen
	.addrsig_sym g
