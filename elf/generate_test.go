package elf

//go:generate sh -c "cd testdata && for f in *.c; do clang-19 -g -O2 -target bpf -ffile-compilation-dir=. -c $DOLLAR{f} -o $DOLLAR{f%.c}.o; done"
//go:generate sh -c "cd testdata/core && for f in *.c; do clang-19 -g -O2 -target bpf -ffile-compilation-dir=. -c $DOLLAR{f} -o $DOLLAR{f%.c}.o; done"
//go:generate sh -c "cd testdata && clang-19 -g -O2 -target bpfeb -ffile-compilation-dir=. -c linked.c -o linked-be.o"
//go:generate sh -c "cd testdata && RUSTC_BOOTSTRAP=1 rustc --target bpfel-unknown-none --edition 2021 --emit asm -O -C debuginfo=2 -C panic=abort --remap-path-prefix=$DOLLAR(pwd)=. rust.rs -o - | llvm-mc-19 -triple bpfel -mcpu=v3 -filetype=obj -o rust.o"
