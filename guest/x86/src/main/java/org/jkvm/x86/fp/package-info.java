/**
 * Floating point as x86 processors compute it: IEEE 754 arithmetic on binary32, binary64 and the x87's double-extended
 * format, in every rounding mode, with Intel's exception flags, NaN selection and masked and unmasked responses. Nothing
 * here knows the CPU core; a unit owns an {@link org.jkvm.x86.fp.FpEnv} and calls static operations with it.
 *
 * <p>Operands are unpacked to one common form, computed exactly up to jammed low bits, and rounded once into the target
 * format. "SDM" is Intel's Software Developer's Manual.
 */
package org.jkvm.x86.fp;
