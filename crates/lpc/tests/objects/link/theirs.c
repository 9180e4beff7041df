/* Functions and data that ours.clif uses, and a program that checks both sides of every call. */

typedef int i32;
typedef unsigned u32;
typedef long long i64;

extern i32 our_counter[2];
extern const struct { i32 words[4]; signed char bytes[3]; } our_primes;
extern i32 our_scratch[16];
extern const struct { i32 (*functions[3])(i32); const i32 *words[2]; } our_handlers;

i64 our_mix(i32, i64, i32, i64, i32, i64, signed char);
i32 our_ackermann(i32, i32);
i32 our_sum(i32 (*)(i32), i32);
i32 our_switch(i32);
i32 (*our_callback(void))(i32);
i32 our_large_frame(i32);
i32 our_data(i32);
i64 our_quotient(i64, i64);

const i32 their_table[4] = {10, 20, 30, 40};
i32 their_words[3] = {1, 2, 3};

i32 their_triple(i32 x) { return 3 * x; }

i32 their_ackermann(i32 m, i32 n) { return our_ackermann(m, n); }

void their_fill(i32 *words, i32 count, i32 first)
{
    for (i32 index = 0; index < count; index++)
        words[index] = first + index;
}

/* Has the name of a local function of the other side. */
i32 helper(i32 x) { return x - 1; }

static i32 square(i32 x) { return x * x; }

static void write(const char *bytes, u32 size)
{
    register i32 a0 __asm__("a0") = 1;
    register const char *a1 __asm__("a1") = bytes;
    register u32 a2 __asm__("a2") = size;
    register i32 a7 __asm__("a7") = 64;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
}

static void show(const char *label, i64 value)
{
    char text[17];
    u32 size = 0;
    while (label[size])
        size++;
    write(label, size);
    for (u32 digit = 0; digit < 16; digit++)
        text[digit] = "0123456789abcdef"[value >> (60 - 4 * digit) & 15];
    text[16] = '\n';
    write(text, 17);
}

i32 main(void)
{
    show("mix        ", our_mix(-1, 0x123456789abcdef0, 77, -2, 0x70000000, 0x7fffffffffffffff, -5));
    show("ackermann  ", our_ackermann(2, 3));
    show("sum        ", our_sum(square, 10));
    show("sum        ", our_sum(helper, 4));
    for (i32 index = 0; index < 6; index++)
        show("switch     ", our_switch(index));
    show("callback   ", our_callback()(21));
    show("large frame", our_large_frame(7));
    show("data       ", our_data(2));
    show("data       ", our_data(3));
    show("counter    ", our_counter[0]);
    show("counter    ", our_counter[1]);
    show("words      ", their_words[1]);
    show("scratch    ", our_scratch[2]);
    show("primes     ", our_primes.words[3] + our_primes.bytes[2]);
    for (i32 index = 0; index < 3; index++)
        show("handler    ", our_handlers.functions[index](100));
    show("address    ", *our_handlers.words[0]);
    show("address    ", *our_handlers.words[1]);
    show("quotient   ", our_quotient(-1000000000000, 7));
    return 42;
}
