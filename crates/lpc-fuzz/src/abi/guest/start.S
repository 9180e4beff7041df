# The start of the program, and the code through which checked functions are called.

    .globl _start
    .globl checked_call

    .text
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, stack_end
    li tp, 0x7e57da7a
    j run_cases

# A call to a checked function comes here, with the address of its description in t0 and everything else as the caller left
# it. The description is four words:
#
#     the address of the function, the bytes that it pops, its number, whether it returns at most two words in registers
#
# The stack pointer stays as it is, as there may be arguments in the stack: what has to be kept is kept in the shadow stack.
#
# At entry: the stack pointer must be a multiple of 16 (bit 15 of violation_mask). The temporary registers are destroyed, and
#           s0 to s11 get values that nobody has.
# At exit:  s0 to s11 (bits 0 to 11), sp (bit 12), gp (bit 13) and tp (bit 14) must be as before. Temporary registers and
#           unused registers of results are destroyed.

    .set STACK_SIZE, 8 << 20

    .set FRAME, 80
    .set KEPT_RA, 48
    .set KEPT_SP, 52
    .set KEPT_GP, 56
    .set KEPT_TP, 60
    .set KEPT_DESCRIPTION, 64

# Calls a macro for each register that the callee preserves: its number, and a value that together with the address of the
# shadow frame gives what it holds during the call.
    .macro each_saved macro
    \macro 0, 0x51a30f01
    \macro 1, 0x52b41e12
    \macro 2, 0x53c52d23
    \macro 3, 0x54d63c34
    \macro 4, 0x55e74b45
    \macro 5, 0x56f85a56
    \macro 6, 0x57096967
    \macro 7, 0x581a7878
    \macro 8, 0x592b8789
    \macro 9, 0x5a3c969a
    \macro 10, 0x5b4da5ab
    \macro 11, 0x5c5eb4bc
    .endm

# Keeps a register in the shadow frame at t2 and gives it its value.
    .macro enter number, value
    sw s\number, 4*\number(t2)
    li s\number, \value
    add s\number, s\number, t2
    .endm

# Sets bit `number` of t5 if the register has changed, and gives it back what it held before the call.
    .macro leave number, value
    li t3, \value
    add t3, t3, t2
    xor t3, t3, s\number
    snez t3, t3
    slli t3, t3, \number
    or t5, t5, t3
    lw s\number, 4*\number(t2)
    .endm

    .macro destroy_temporaries
    li t1, 0x0badf1a1
    li t2, 0x0badf2a2
    li t3, 0x0badf3a3
    li t4, 0x0badf4a4
    li t5, 0x0badf5a5
    li t6, 0x0badf6a6
    .endm

checked_call:
    la t1, shadow_next
    lw t2, 0(t1)
    addi t3, t2, FRAME
    sw t3, 0(t1)
    each_saved enter
    sw ra, KEPT_RA(t2)
    sw sp, KEPT_SP(t2)
    sw gp, KEPT_GP(t2)
    sw tp, KEPT_TP(t2)
    sw t0, KEPT_DESCRIPTION(t2)
    andi t5, sp, 15
    snez t5, t5
    slli t5, t5, 15
    bnez t5, misaligned
called:
    lw t0, 0(t0)
    destroy_temporaries
    jalr t0

    la t1, shadow_next
    lw t2, 0(t1)
    addi t2, t2, -FRAME
    sw t2, 0(t1)
    li t5, 0
    each_saved leave
    lw t0, KEPT_DESCRIPTION(t2)
    lw t3, KEPT_SP(t2)
    lw t4, 4(t0)
    add t3, t3, t4
    xor t4, t3, sp
    snez t4, t4
    slli t4, t4, 12
    or t5, t5, t4
    mv sp, t3
    lw t3, KEPT_GP(t2)
    xor t4, t3, gp
    snez t4, t4
    slli t4, t4, 13
    or t5, t5, t4
    mv gp, t3
    lw t3, KEPT_TP(t2)
    xor t4, t3, tp
    snez t4, t4
    slli t4, t4, 14
    or t5, t5, t4
    mv tp, t3
    lw ra, KEPT_RA(t2)
    bnez t5, changed
returned:
    lw t1, 12(t0)
    beqz t1, keep_results
    li a2, 0x0badf7a7
    li a3, 0x0badf8a8
    li a4, 0x0badf9a9
    li a5, 0x0badfaaa
    li a6, 0x0badfbab
    li a7, 0x0badfcac
keep_results:
    li t0, 0x0badf0a0
    destroy_temporaries
    ret

# Notes the mask in t5 for the function described at t0, if it is the first one of the case.
    .macro note
    la t1, violation_mask
    lw t3, 0(t1)
    bnez t3, 1f
    sw t5, 0(t1)
    la t1, violation_function
    lw t3, 8(t0)
    sw t3, 0(t1)
1:
    .endm

misaligned:
    note
    j called

changed:
    note
    j returned

    .data
    .p2align 4
shadow_next:
    .word shadow

    .bss
    .p2align 4
shadow:
    .skip 1 << 16

# The lowest part of the memory: a program whose stack overflows faults, and does not destroy anything.
    .section .stack, "aw", @nobits
    .p2align 4
    .skip STACK_SIZE
stack_end:
