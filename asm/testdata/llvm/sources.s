# Sources within the line table, without checksums.
	.file 1 "inc" "y.h" md5 0x00112233445566778899aabbccddee00 source "int x;\n"
	.file 0 "/xx" "main.c"  source "foo"
	.loc 1 3
	.loc 0 70000 65535 discriminator 300
	exit
	.fill 300, 8, 0
	.loc 1 70005
	exit
