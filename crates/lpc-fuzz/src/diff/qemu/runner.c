/* Calls functions on the processor that it runs on, and says what became of each call.
 *
 * It knows nothing of calls. What it reads from standard input are programs, which it puts where they say, one after the
 * other, and for each of them the registers and the part of the stack that calls are to find. What it writes to standard output
 * is the signal that ended each call, the registers then, and the memory that the call may have changed. All numbers are
 * little-endian words.
 *
 *   input    programs: struct program, image, calls: struct call, stack;  a program at address 0 ends
 *   output   for each call: struct outcome, stack, data
 *
 *   MEMORY      stack: readable and writable
 *   STACK_TOP   code: readable and executable; read-only data: readable; other data: readable and writable
 *   MEMORY_END
 *
 * Nothing else is mapped but this program, which is at an address that no program knows. So a call ends with a signal: at the return
 * address, where nothing is, or at a trap. How it is entered stands in `guest.h`.
 */

#include "guest.h"

/* RUNNER, RUNNER_END, MEMORY, STACK_TOP, MEMORY_END and SECONDS are defined by the other side, in `mod.rs`. */

struct program {
    word image;      /* where it starts; 0 at the end of the input */
    word read_only;  /* where the code ends */
    word data;       /* where data start that can be written to */
    word bytes_end;  /* where the bytes of the image end, behind which are zeros */
    word end;        /* where the image ends */
    word calls;      /* how many calls follow */
};

struct call {
    word pc;
    word registers[REGISTERS];
    word stack; /* where the part of the stack starts that is given; it ends at STACK_TOP */
};

struct outcome {
    word signal;
    word pc;
    word registers[REGISTERS];
};

static struct program program;
static struct call call;
static word calls_left;
static byte data[MEMORY_END - STACK_TOP]; /* the first content of the data of the program */

static void copy(byte *to, const byte *from, word length)
{
    for (word i = 0; i < length; i++)
        to[i] = from[i];
}

static void protect(word start, word end, word protection)
{
    if (start < end)
        check(system_call(SYS_MPROTECT, start, end - start, protection, 0, 0, 0));
}

static void next_program(void)
{
    read_all(&program, sizeof program);
    if (program.image == 0)
        system_call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
    protect(STACK_TOP, MEMORY_END, PROT_READ | PROT_WRITE);
    read_all((void *)program.image, program.bytes_end - program.image);
    for (word at = program.bytes_end; at < program.end; at++)
        *(volatile byte *)at = 0;
    copy(data, (byte *)program.data, program.end - program.data);
    protect(program.image, program.read_only, PROT_READ | PROT_EXEC);
    protect(program.read_only, program.data, PROT_READ);
    calls_left = program.calls;
    /* Ends a call that does not end. */
    set_timer(SECONDS, 0);
}

static void next_call(struct context *context)
{
    while (calls_left == 0)
        next_program();
    calls_left--;
    read_all(&call, sizeof call);
    read_all((void *)call.stack, STACK_TOP - call.stack);
    copy((byte *)program.data, data, program.end - program.data);
    context->pc = call.pc;
    for (word i = 0; i < REGISTERS; i++)
        context->registers[i] = call.registers[i];
}

static void record(word signal, const struct context *context)
{
    struct outcome outcome;
    outcome.signal = signal;
    outcome.pc = context->pc;
    for (word i = 0; i < REGISTERS; i++)
        outcome.registers[i] = context->registers[i];
    write_all(&outcome, sizeof outcome);
    write_all((void *)call.stack, STACK_TOP - call.stack);
    write_all((void *)program.data, program.end - program.data);
}

/* Called for each signal; the first is the breakpoint in `start`. */
__attribute__((used)) static void handle(int signal, const struct siginfo *info, struct context *context)
{
    static word is_started;
    (void)info;
    if (is_started)
        record(signal, context);
    is_started = 1;
    next_call(context);
}

__attribute__((used)) static void start(void)
{
    unmap(0x10000, RUNNER);
    unmap(RUNNER_END, 0xfffff000);
    map(MEMORY, MEMORY_END - MEMORY);
    handle_signals();
    __asm__ volatile("ebreak");
}
