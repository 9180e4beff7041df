/*
 * Interprets the code of a small stack machine: a loop around a switch. The machine has a stack and variables of 32 bits, and
 * instructions of one byte, or two with an operand.
 *
 * Input: a program that finds the longest Collatz sequence (n becomes n / 2 when it is even, and 3 * n + 1 when it is odd, until
 * it is 1) that starts below 100, and counts the steps of all. It executes 58,508 instructions. The variables are folded into a
 * checksum.
 *
 * Trust: the longest of these sequences starts at 97 and has 118 steps, as is well known. All have 3,117.
 */

#include <stdint.h>

enum opcode {
    HALT,
    PUSH,         /* operand: a number */
    LOAD,         /* operand: a variable */
    STORE,        /* operand: a variable */
    ADD,
    SUBTRACT,
    MULTIPLY,
    SHIFT_RIGHT,
    AND,
    LESS,
    JUMP,         /* operand: the distance, from the next instruction on */
    JUMP_IF_ZERO, /* operand: the distance, from the next instruction on */
};

enum variable { START, N, STEPS, LONGEST, LONGEST_START, TOTAL };

#define VARIABLES 6
#define STACK_WORDS 8

static const int8_t program[] = {
    /* start = 1, longest = 0, total = 0 */
    PUSH, 1, STORE, START, PUSH, 0, STORE, LONGEST, PUSH, 0, STORE, TOTAL,
    /* n = start, steps = 0 */
    LOAD, START, STORE, N, PUSH, 0, STORE, STEPS,
    /* while n - 1 is not zero */
    LOAD, N, PUSH, 1, SUBTRACT, JUMP_IF_ZERO, 35,
    /* if n is odd, n = n * 3 + 1 */
    LOAD, N, PUSH, 1, AND, JUMP_IF_ZERO, 12,
    LOAD, N, PUSH, 3, MULTIPLY, PUSH, 1, ADD, STORE, N, JUMP, 7,
    /* else n = n >> 1 */
    LOAD, N, PUSH, 1, SHIFT_RIGHT, STORE, N,
    /* steps = steps + 1 */
    LOAD, STEPS, PUSH, 1, ADD, STORE, STEPS, JUMP, -42,
    /* total = total + steps */
    LOAD, TOTAL, LOAD, STEPS, ADD, STORE, TOTAL,
    /* if longest < steps, longest = steps, longest_start = start */
    LOAD, LONGEST, LOAD, STEPS, LESS, JUMP_IF_ZERO, 8,
    LOAD, STEPS, STORE, LONGEST, LOAD, START, STORE, LONGEST_START,
    /* start = start + 1, and again while start < 100 */
    LOAD, START, PUSH, 1, ADD, STORE, START,
    LOAD, START, PUSH, 100, LESS, JUMP_IF_ZERO, 2, JUMP, -88,
    HALT,
};

static uint32_t stack[STACK_WORDS];
static uint32_t variables[VARIABLES];

/* Executes the instructions from an address on. `top` points behind the last word of the stack. */
static __attribute__((noinline)) void run(const int8_t *pc)
{
    uint32_t *top = stack;
    for (;;) {
        switch (*pc++) {
        case PUSH:
            *top++ = (uint32_t)*pc++;
            break;
        case LOAD:
            *top++ = variables[*pc++];
            break;
        case STORE:
            variables[*pc++] = *--top;
            break;
        case ADD:
            top--;
            top[-1] += top[0];
            break;
        case SUBTRACT:
            top--;
            top[-1] -= top[0];
            break;
        case MULTIPLY:
            top--;
            top[-1] *= top[0];
            break;
        case SHIFT_RIGHT:
            top--;
            top[-1] >>= top[0] & 31;
            break;
        case AND:
            top--;
            top[-1] &= top[0];
            break;
        case LESS:
            top--;
            top[-1] = top[-1] < top[0];
            break;
        case JUMP:
            pc += 1 + pc[0];
            break;
        case JUMP_IF_ZERO:
            pc += *--top == 0 ? 1 + pc[0] : 1;
            break;
        default:
            return;
        }
    }
}

uint32_t kernel(void)
{
    run(program);

    uint32_t checksum = 0;
    for (uint32_t i = 0; i < VARIABLES; i++)
        checksum = checksum * 31 + variables[i];
    return checksum;
}
