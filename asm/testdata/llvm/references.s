# Every kind of reference there is, from code, data and debugging sections, to
# symbols of every kind: what llvm-mc makes of it is the test.
	.addrsig
	.type gl, @function
	.size gl, 8
	.type gl2, @function
	.size gl2, 8
	.type gdat, @object
	.size gdat, 4
	.type gro, @object
	.size gro, 4
	.type gbs, @object
	.size gbs, 4
.text
f: 
 exit
g:
 call f
 call gl
 call und
 call other
 call gl2
 exit
 .globl gl
gl: exit
 .section osec,"ax",@progbits
other: exit
  call f
  call g
  call .Lt
  call other2
  r1 = f ll
  r1 = gl ll
  r1 = .Lt ll
  r1 = dat ll
  r1 = gdat ll
  r1 = gdat+4 ll
  r1 = dat+4 ll
  r1 = .Lstr ll
  r1 = lstr2 ll
  r1 = wk ll
  r1 = other2-f2 ll
  r1 = .rodata ll
 exit
f2: 
 exit
other2: exit
 .text
.Lt: exit
 .weak gl2
gl2: exit
 .data
 .byte 1,2,3,4
 .globl gdat
dat: .long 5
gdat: .quad f, gl, .Lt, dat, und, dat+3
 .long f, gl, .Lt, dat, gdat, und, .Ld
.Ld:
 .long ro, gro, .Lro, bs, gbs, .Lbs
 .section .rodata,"a",@progbits
 .long 1
ro:
.Lro: .globl gro
gro: .long 2
 .bss
 .long 0
bs:
 .globl gbs
gbs:
.Lbs: .zero 4
 .section .rodata.str1.1,"aMS",@progbits,1
.Lstr: .asciz "a"
lstr2: .asciz "b"
 .section .BTF,"",@progbits
 .long gdat, f, dat, .Lt, gl, .Lro, ro, gro, bs, gbs
 .weak wk
 .section .debug_info,"",@progbits
 .long .Lt, gl, f, gdat, .debug_str, .Ldi
 .quad .Lt, gl
.Ldi:
 .long .Lt-f
 .section .debug_str,"MS",@progbits,1
 .asciz "zz"
.Ldi2: .asciz "x"
 .section .debug_abbrev,"",@progbits
 .long .Ldi2

	.section .debug_rnglists,"",@progbits
	.uleb128 .Lt-f
	.quad f+4, gl+8, dat-2
	.long .data, .text, .bss
