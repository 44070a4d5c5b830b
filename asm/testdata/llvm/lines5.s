# A line table of DWARF 5, and data that has lines.
	.file 0 "/comp" "main.c" md5 0x00112233445566778899aabbccddeeff
	.file 1 "inc" "y.h" md5 0x00112233445566778899aabbccddee00
	.file 2 "/comp/z.h" md5 0x00112233445566778899aabbccddee01
	.file 3 "/comp" "y4.h" md5 0x00112233445566778899aabbccddee00
	.text
	.loc 0 3
	.byte 1,2,3,4,5,6,7,8
	.loc 1 4
	.quad 8
	.loc 1 5
	.quad f
f:	.loc 1 6
	.zero 8
	exit
	.loc 1 7
	.data
	.text
	exit
	.loc 1 8
	.pushsection .data
	.popsection
	exit
	.text
	r1 = g ll
	.globl g
	.type g, @function
	.size g, 8
g:	exit
	.loc 0 5
	.loc 0 6
	exit
	.loc 0 3
	.byte 1,2,3,4,5,6,7,8
	.loc 0 4
	.asciz "0123456"
	.loc 0 7
	.quad g
	.loc 0 8
	.zero 8
	.uleb128 3
	.section xdp,"ax"
	exit
