/* Code that writes code, as compilers at run time do: for a translator, every function is new, and so is every rewrite. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "programs.h"

enum { FUNCTIONS = 4096, ROOM = 64 };

/* eax = edi; eax = eax * 33 + constant, a few times; ret. Returns what it gives for "argument". */
static uint32_t write_function(unsigned char *at, uint64_t *seed, uint32_t argument)
{
    int steps = 1 + (int) (next_random(seed) & 3);
    *at++ = 0x89, *at++ = 0xf8;                       /* mov eax, edi */
    while (steps-- > 0) {
        uint32_t constant = (uint32_t) next_random(seed);
        *at++ = 0x6b, *at++ = 0xc0, *at++ = 33;       /* imul eax, eax, 33 */
        *at++ = 0x05;                                 /* add eax, constant */
        memcpy(at, &constant, 4);
        at += 4;
        argument = argument * 33 + constant;
    }
    *at = 0xc3;                                       /* ret */
    return argument;
}

/* "amount" thousand functions written over older ones and called at once; aborts at the first wrong result. */
uint64_t generate(long amount)
{
    unsigned char *code = mmap(0, FUNCTIONS * ROOM, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t seed = 6, sum = 0;
    if (code == MAP_FAILED)
        abort();
    for (long i = amount * 1000; i > 0; i--) {
        unsigned char *at = code + next_random(&seed) % FUNCTIONS * ROOM;
        uint32_t argument = (uint32_t) i, expected = write_function(at, &seed, argument);
        uint32_t (*function)(uint32_t);
        memcpy(&function, &at, sizeof function);
        if (function(argument) != expected)
            abort();
        sum = sum * 31 + expected;
    }
    return sum;
}
