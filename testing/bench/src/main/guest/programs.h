/* The workload's C programs: each does "amount" units of work and returns a check-sum that only depends on the amount. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdint.h>

typedef uint64_t program(long amount);

/* integer.c */
program sieve, crc, quicksort, calls, indirect, chase;
/* floating.c: doubles and floats in SSE2 registers, and x87 */
program nbody, mandelbrot, matrix, triad, x87;
/* system.c: what the kernel does for a program */
program forks, execs, pingpong, faults, syscalls;
/* threads.c */
program one_thread, two_threads;
/* generate.c */
program generate;

/* A linear congruential generator (Knuth's MMIX constants): the same numbers everywhere. */
static inline uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

#endif
