# Where a program starts: a global pointer for the linker's relaxation, and the end of the process with what main returns.
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    call main
    li a7, 93
    ecall
