package org.jkvm.x64;

/** A memory operand. */
public sealed interface Memory extends Rm permits Mem, RipRelative, RipLabel {
}
