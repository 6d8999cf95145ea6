/**
 * SSE to SSE4.2, AES, PCLMULQDQ and SHA: the handlers that opcode rows name, on the XMM registers in the vCPU's native struct.
 * A register or memory operand is the address of 16 bytes; families of instructions are made of small functions on 64-bit
 * halves.
 */
package org.jkvm.x86.exec.sse;
