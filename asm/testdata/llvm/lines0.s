# A table without lines.
	.file 0 "/a" "b.c"
	exit
