package org.jkvm.x86.differential;

/**
 * One way to write a row.
 *
 * @param bits        code size: 16, 32 or 64
 * @param operandSize 2, 4 or 8
 * @param memory      ModRM names memory
 * @param lock        with LOCK
 * @param rep         0, F2h or F3h
 */
record Form(int bits, int operandSize, boolean memory, boolean lock, int rep) {
    @Override
    public String toString() {
        return bits + "-bit, operand size " + operandSize + (memory ? ", memory" : ", register") + (lock ? ", lock" : "")
                + (rep == 0 ? "" : ", rep " + Integer.toHexString(rep));
    }
}
