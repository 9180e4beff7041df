# Where the program starts: calls the outermost function, and ends the process with its result. There is nothing to unwind to.
    .globl _start
_start:
    .cfi_startproc
    .cfi_undefined ra
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    li a0, 14
    call outer
returned:
    li a7, 93
    ecall
    .cfi_endproc
