package org.jkvm.bench;

import java.util.List;

/**
 * A program of the workload ({@code src/main/guest/programs.sh}).
 *
 * @param name   as the guest's agent knows it
 * @param amount its work, in the unit that {@code what} names: between one and three seconds under QEMU's software engine
 * @param kind   what it needs and what its time is
 * @param what   what it does, with {@code %d} for the amount
 */
record Program(String name, int amount, Kind kind, String what) {

    /** What a program needs, and what its time is. */
    enum Kind {
        /** A Debian program that computes: measured on the host too. */
        COMPUTE,
        /** A program that says itself how fast it was, in a fixed time. */
        RATE,
        /** One of our C programs that computes. */
        COMPILED,
        /** One of our C programs that computes in two threads: one processor makes nothing of that. */
        THREADS,
        /** One of our C programs that makes the guest's kernel work. */
        KERNEL,
        /** A Debian program that makes the guest's kernel work. */
        SYSTEM,
        /** A program that uses the guest's disk. */
        DISK;

        /** Whether it is compiled when the harness starts. */
        boolean compiled() {
            return this == COMPILED || this == THREADS || this == KERNEL;
        }

        /** Whether what it does is computing, not the guest's kernel's or devices' work. */
        boolean computes() {
            return this == COMPUTE || this == RATE || this == COMPILED || this == THREADS;
        }
    }

    /** All of them, in the order of the table. */
    static final List<Program> ALL = List.of(
            new Program("sha256sum", 131072, Kind.COMPUTE, "sha256sum of %d KiB"),
            new Program("gzip", 8192, Kind.COMPUTE, "gzip %d KiB"),
            new Program("gunzip", 32768, Kind.COMPUTE, "gunzip %d KiB"),
            new Program("xz", 1024, Kind.COMPUTE, "xz %d KiB"),
            new Program("unxz", 16384, Kind.COMPUTE, "unxz %d KiB"),
            new Program("bzip2", 3072, Kind.COMPUTE, "bzip2 %d KiB"),
            new Program("bunzip2", 8192, Kind.COMPUTE, "bunzip2 %d KiB"),
            new Program("sort", 400, Kind.COMPUTE, "sort %d thousand lines"),
            new Program("awk", 1000, Kind.COMPUTE, "mawk: %d thousand rounds of floating point"),
            new Program("python", 5, Kind.COMPUTE, "python3: sieve, dictionary, sums, %d times"),
            new Program("aes", 24576, Kind.COMPUTE, "openssl enc -aes-256-cbc of %d KiB"),
            new Program("sha512", 65536, Kind.COMPUTE, "openssl dgst -sha512 of %d KiB"),
            new Program("speed-aes", 256, Kind.RATE, "openssl speed aes-256-cbc: seconds for %d MiB"),
            new Program("speed-sha", 256, Kind.RATE, "openssl speed sha256: seconds for %d MiB"),
            new Program("speed-rsa", 1000, Kind.RATE, "openssl speed rsa2048: seconds for %d signatures"),
            new Program("sieve", 30, Kind.COMPILED, "C: primes below 4 million, %d times"),
            new Program("crc", 300, Kind.COMPILED, "C: CRC-32 of %d MiB"),
            new Program("quicksort", 1000, Kind.COMPILED, "C: qsort of %d thousand numbers"),
            new Program("calls", 200, Kind.COMPILED, "C: recursive Fibonacci of 27, %d times"),
            new Program("indirect", 100, Kind.COMPILED, "C: %d million calls by pointer"),
            new Program("chase", 8, Kind.COMPILED, "C: %d million links of a pointer chain in 4 MiB"),
            new Program("nbody", 500, Kind.COMPILED, "C: n-body, %d thousand steps (SSE2 double)"),
            new Program("mandelbrot", 500, Kind.COMPILED, "C: %d lines of the Mandelbrot set (SSE2 double)"),
            new Program("matrix", 80, Kind.COMPILED, "C: %d matrix products (SSE2 float)"),
            new Program("triad", 50, Kind.COMPILED, "C: streaming triad, %d times 12 MiB"),
            new Program("x87", 10, Kind.COMPILED, "C: %d million terms in x87"),
            new Program("generate", 30, Kind.COMPILED, "C: writes and calls %d thousand functions"),
            new Program("one-thread", 2000, Kind.COMPILED, "C: Collatz sequences of %d thousand numbers, one thread"),
            new Program("two-threads", 2000, Kind.THREADS, "C: the same in each of two threads (%d)"),
            new Program("syscalls", 2000, Kind.KERNEL, "C: %d thousand system calls"),
            new Program("faults", 20, Kind.KERNEL, "C: first touches of 8 MiB, %d times"),
            new Program("forks", 1000, Kind.KERNEL, "C: %d times fork and wait"),
            new Program("execs", 300, Kind.KERNEL, "C: %d times fork, exec and wait"),
            new Program("pingpong", 20, Kind.KERNEL, "C: pipe ping-pong, %d thousand rounds"),
            new Program("shell", 60, Kind.SYSTEM, "sh: %d times /usr/bin/true"),
            new Program("tar", 8, Kind.SYSTEM, "tar -c of %d copies of a tree of some hundred files"),
            new Program("untar", 12, Kind.SYSTEM, "tar -x of %d copies of it"),
            new Program("read", 128, Kind.DISK, "dd of %d MiB from the disk"),
            new Program("write", 64, Kind.DISK, "dd of %d MiB to the disk, synchronized"));

    /** The work at a scale, at least one unit. */
    int amount(double scale) {
        return (int) Math.max(1, Math.round(amount * scale));
    }

    /** What it does at a scale. */
    String what(double scale) {
        return what.formatted(amount(scale));
    }
}
