# A line table of DWARF 4: no file 0.
	.file "x.c"
	.file 1 "x.c"
	.file 2 "inc/dir" "y.h"
	.file 3 "/a/b/z.h"
	.text
f:
	.loc 1 3
	.loc 2 7 3 is_stmt 0 isa 4 discriminator 5 basic_block epilogue_begin
	r0 = 1
	exit
	.loc 3 3000
	exit
	.zero 8000
	.loc 3 2
	exit
	.loc 3 7
	.data
	.byte 1
	.loc 3 8
