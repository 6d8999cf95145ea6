/* Floating point loops. Compiled without -ffast-math: every processor must give the same bits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "programs.h"

static uint64_t bits(double value)
{
    uint64_t raw;
    memcpy(&raw, &value, sizeof raw);
    return raw;
}

struct body { double x, y, z, vx, vy, vz, mass; };

static void pull(struct body *a, struct body *b, double dt)
{
    double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
    double square = dx * dx + dy * dy + dz * dz;
    double force = dt / (square * sqrt(square));
    a->vx -= dx * b->mass * force, a->vy -= dy * b->mass * force, a->vz -= dz * b->mass * force;
    b->vx += dx * a->mass * force, b->vy += dy * a->mass * force, b->vz += dz * a->mass * force;
}

/* Five bodies that attract each other, "amount" thousand steps. */
uint64_t nbody(long amount)
{
    struct body bodies[5];
    uint64_t seed = 4;
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        double *field = &bodies[i].x;
        for (int k = 0; k < 7; k++)
            field[k] = 1 + (double) next_random(&seed) / 2147483648.0 * (k < 3 ? 30 : 1);
    }
    for (long n = amount * 1000; n > 0; n--) {
        for (int i = 0; i < 5; i++)
            for (int k = i + 1; k < 5; k++)
                pull(&bodies[i], &bodies[k], 0.001);
        for (int i = 0; i < 5; i++)
            bodies[i].x += 0.001 * bodies[i].vx, bodies[i].y += 0.001 * bodies[i].vy, bodies[i].z += 0.001 * bodies[i].vz;
    }
    for (int i = 0; i < 5; i++)
        sum += bodies[i].x + bodies[i].y + bodies[i].z;
    return bits(sum);
}

/* The Mandelbrot set, "amount" lines of 512 points. */
uint64_t mandelbrot(long amount)
{
    uint64_t inside = 0;
    for (long line = 0; line < amount; line++) {
        for (int column = 0; column < 512; column++) {
            double cr = -2 + column * (3.0 / 512), ci = -1 + (double) (line % 512) * (2.0 / 512), zr = 0, zi = 0;
            int n = 0;
            for (; n < 256 && zr * zr + zi * zi < 4; n++) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci, zr = t;
            }
            inside += (uint64_t) n;
        }
    }
    return inside;
}

/* Products of float matrices of 128 x 128, "amount" of them. */
uint64_t matrix(long amount)
{
    enum { N = 128 };
    static float a[N][N], b[N][N], c[N][N];
    uint64_t seed = 5;
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = (float) (next_random(&seed) & 255) / 256, b[i][j] = (float) (next_random(&seed) & 255) / 256;
    while (amount-- > 0) {
        memset(c, 0, sizeof c);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                for (int j = 0; j < N; j++)
                    c[i][j] += a[i][k] * b[k][j];
        a[amount % N][amount % N] += c[1][1] / 1024;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            sum += c[i][j];
    return bits(sum);
}

/* a = b + 3 c over three fields of 4 MiB, "amount" times: memory as fast as it goes. */
uint64_t triad(long amount)
{
    enum { N = 1 << 19 };
    static double a[N], b[N], c[N];
    for (int i = 0; i < N; i++)
        b[i] = i, c[i] = 1.0 / (1 + i);
    while (amount-- > 0) {
        for (int i = 0; i < N; i++)
            a[i] = b[i] + 3 * c[i];
        b[amount % N] = a[(amount + 1) % N];
    }
    return bits(a[N / 2] + a[N - 1]);
}

/* Continued sums in extended precision: x87, "amount" million terms. */
uint64_t x87(long amount)
{
    volatile long double scale = 1.0L;
    long double sum = 0, one = scale;
    for (long i = 1; i <= amount * 1000000; i++)
        sum += one / ((long double) i * (long double) i + sum * 1e-9L);
    return bits((double) sum);
}
