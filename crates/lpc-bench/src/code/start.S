# What runs before and after the kernel in the executables of C compilers.
    .text
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    andi sp, sp, -16
    call kernel
    li a7, 93
    ecall
    .size _start, .-_start
