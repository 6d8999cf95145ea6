package org.jkvm.x64;

/** What a ModRM byte's mod and r/m fields can name (Intel SDM vol. 2A, section 2.1.3): a register or memory. */
public sealed interface Rm permits Gpr, HighByte, Xmm, Memory {
}
