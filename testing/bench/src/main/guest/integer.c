/* Integer loops. */
#include <stdlib.h>
#include <string.h>
#include "programs.h"

/* Primes below 4 million, "amount" times. */
uint64_t sieve(long amount)
{
    enum { N = 4000000 };
    static char composite[N];
    uint64_t count = 0;
    while (amount-- > 0) {
        memset(composite, 0, N);
        for (long i = 2; i < N; i++) {
            if (composite[i])
                continue;
            count++;
            for (long k = i * i; k < N; k += i)
                composite[k] = 1;
        }
    }
    return count;
}

/* CRC-32 (the polynomial of IEEE 802.3, reflected) by a table, over "amount" MiB. */
uint64_t crc(long amount)
{
    uint32_t table[256], sum = ~0u;
    static unsigned char data[1 << 20];
    uint64_t seed = 1;
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        table[n] = c;
    }
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char) next_random(&seed);
    while (amount-- > 0)
        for (size_t i = 0; i < sizeof data; i++)
            sum = table[(sum ^ data[i]) & 255] ^ sum >> 8;
    return ~sum;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

/* The C library's qsort of "amount" thousands of numbers: a call through a pointer for each comparison. */
uint64_t quicksort(long amount)
{
    size_t n = (size_t) amount * 1000;
    uint32_t *numbers = malloc(n * sizeof *numbers);
    uint64_t seed = 2, sum = 0;
    for (size_t i = 0; i < n; i++)
        numbers[i] = (uint32_t) next_random(&seed);
    qsort(numbers, n, sizeof *numbers, ascending);
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + numbers[i];
    free(numbers);
    return sum;
}

static __attribute__((noinline)) uint64_t fibonacci(int n)
{
    return n < 2 ? (uint64_t) n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* Recursive calls: Fibonacci's 27th number, "amount" times. */
uint64_t calls(long amount)
{
    uint64_t sum = 0;
    while (amount-- > 0)
        sum += fibonacci(27 + (int) (sum & 0));
    return sum;
}

typedef uint64_t step(uint64_t);
static uint64_t add(uint64_t x) { return x + 12345; }
static uint64_t mix(uint64_t x) { return x ^ x >> 7; }
static uint64_t turn(uint64_t x) { return x << 13 | x >> 51; }
static uint64_t times(uint64_t x) { return x * 69069; }

/* Calls through a table in an order that nothing predicts well, "amount" million of them. */
uint64_t indirect(long amount)
{
    static step *const volatile steps[] = {add, mix, turn, times};
    uint64_t x = 1;
    for (long i = amount * 1000000; i > 0; i--)
        x = steps[(x >> 5 ^ (uint64_t) i) & 3](x);
    return x;
}

/* A chain of pointers all over 4 MiB, "amount" million links long. */
uint64_t chase(long amount)
{
    enum { N = 1 << 20 };
    uint32_t *next = malloc(N * sizeof *next);
    uint64_t seed = 3;
    uint32_t at = 0;
    for (uint32_t i = 0; i < N; i++)
        next[i] = i;
    for (uint32_t i = N - 1; i > 0; i--) { /* Sattolo's algorithm: one cycle */
        uint32_t k = (uint32_t) (next_random(&seed) % i), other = next[k];
        next[k] = next[i];
        next[i] = other;
    }
    for (long i = amount * 1000000; i > 0; i--)
        at = next[at];
    free(next);
    return at;
}
