/**
 * VEX-encoded vector instructions: SSE's, lane by lane, on registers of 128 and 256 bits, and what AVX, AVX2, FMA and F16C
 * added.
 */
package org.jkvm.x86.exec.avx;
