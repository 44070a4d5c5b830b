package elf

//go:generate sh -c "cd testdata && for f in *.c; do clang-19 -g -O2 -target bpf -ffile-compilation-dir=. -c $DOLLAR{f} -o $DOLLAR{f%.c}.o; done"
//go:generate sh -c "cd testdata && clang-19 -g -O2 -target bpfeb -ffile-compilation-dir=. -c linked.c -o linked-be.o"
