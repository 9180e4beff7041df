/* Executes instructions one by one on the processor that it runs on, and says what became of each.
 *
 * It knows nothing of instructions. What it reads from standard input are encodings, each with the
 * place where it is to stand and the registers that it is to find; what it writes to standard
 * output is the signal that ended its execution, the registers then, and the words of the scratch
 * memory that changed. All numbers are little-endian words.
 *
 *   input    fill, scratch memory, then batches: count, cases; a count of 0 ends
 *   output   for each case an outcome
 *
 *   SCRATCH   readable and writable
 *   CODE      readable and executable: `fill` but for the cases of the batch
 *
 * `fill` is a breakpoint, so that control ends where it arrives. Nothing else is mapped but this
 * program, whose addresses the registers must not name. How a case is entered stands in `guest.h`.
 */

#include "guest.h"

/* PROGRAM, PROGRAM_END, SCRATCH, SCRATCH_WORDS, CODE, CODE_SIZE and MAX_BATCH are defined by the other
 * side, in `judge.rs`. */

struct test_case {
    word pc;
    word bits[2];
    word length;  /* of `bits` in bytes: 2, 4 or 8 */
    word endless; /* whether only a timer ends it */
    word registers[REGISTERS];
};

struct outcome {
    word signal, code, address;
    word pc;
    word registers[REGISTERS];
    word changed;                   /* how many words of the scratch memory */
    struct { word index, value; } change[2]; /* the first of them */
};

static struct test_case cases[MAX_BATCH];
static struct outcome outcomes[MAX_BATCH];
static word scratch[SCRATCH_WORDS]; /* what the scratch memory holds before each case */
static word fill;
static word count, current;

static void protect_code(word protection)
{
    check(system_call(SYS_MPROTECT, CODE, CODE_SIZE, protection, 0, 0, 0));
}

static void place(word pc, const word *bits, word length)
{
    unsigned short *at = (unsigned short *)pc;
    for (word i = 0; i < length / 2; i++)
        at[i] = bits[i / 2] >> (i % 2 * 16);
}

/* Removes a case: `fill`, of which a case may start in the middle. */
static void remove(const struct test_case *test)
{
    word rotated = test->pc & 2 ? fill >> 16 | fill << 16 : fill;
    word bits[2] = {rotated, rotated};
    place(test->pc, bits, test->length);
}

static void next_batch(void)
{
    read_all(&count, 4);
    if (count == 0)
        system_call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
    protect_code(PROT_READ | PROT_WRITE);
    for (word i = 0; i < MAX_BATCH; i++)
        remove(&cases[i]);
    read_all(cases, count * sizeof cases[0]);
    for (word i = 0; i < count; i++)
        place(cases[i].pc, cases[i].bits, cases[i].length);
    protect_code(PROT_READ | PROT_EXEC);
    current = 0;
}

/* For a case that ends by itself this is far too long, unless it does not end. */
static void start_watchdog(void)
{
    set_timer(20, 0);
}

static void start_short_timer(void)
{
    set_timer(0, 5000);
}

static void compare_scratch(struct outcome *outcome)
{
    volatile word *memory = (volatile word *)SCRATCH;
    outcome->changed = 0;
    outcome->change[0].index = outcome->change[0].value = 0;
    outcome->change[1].index = outcome->change[1].value = 0;
    for (word i = 0; i < SCRATCH_WORDS; i++) {
        word value = memory[i];
        if (value == scratch[i])
            continue;
        if (outcome->changed < 2) {
            outcome->change[outcome->changed].index = i;
            outcome->change[outcome->changed].value = value;
        }
        outcome->changed++;
        memory[i] = scratch[i];
    }
}

static void record(const struct siginfo *info, const struct context *context)
{
    struct outcome *outcome = &outcomes[current];
    outcome->signal = info->signal;
    outcome->code = info->code;
    outcome->address = info->address;
    outcome->pc = context->pc;
    for (word i = 0; i < REGISTERS; i++)
        outcome->registers[i] = context->registers[i];
    compare_scratch(outcome);
    current++;
}

/* Called for each signal; the first is the breakpoint in `start`. */
__attribute__((used)) static void handle(int signal, const struct siginfo *info, struct context *context)
{
    static word is_started, alarms;
    if (is_started) {
        word is_endless = cases[current].endless;
        /* The first alarm may come too early: in front of the case. */
        if (is_endless && signal == SIGALRM && alarms++ == 0) {
            start_short_timer();
            return;
        }
        record(info, context);
        if (is_endless)
            start_watchdog();
    }
    is_started = 1;
    if (current == count) {
        set_timer(0, 0);
        write_all(outcomes, count * sizeof outcomes[0]);
        next_batch();
        start_watchdog();
    }
    const struct test_case *test = &cases[current];
    context->pc = test->pc;
    for (word i = 0; i < REGISTERS; i++)
        context->registers[i] = test->registers[i];
    if (test->endless) {
        alarms = 0;
        start_short_timer();
    }
}

__attribute__((used)) static void start(void)
{
    unmap(0x10000, PROGRAM);
    unmap(PROGRAM_END, SCRATCH);
    unmap(CODE + CODE_SIZE, 0xfffff000);
    map(SCRATCH, 4 * SCRATCH_WORDS);
    map(CODE, CODE_SIZE);
    read_all(&fill, 4);
    read_all(scratch, sizeof scratch);
    for (word i = 0; i < SCRATCH_WORDS; i++)
        ((volatile word *)SCRATCH)[i] = scratch[i];
    for (word i = 0; i < CODE_SIZE; i += 4)
        *(volatile word *)(CODE + i) = fill;
    handle_signals();
    __asm__ volatile("ebreak");
}
