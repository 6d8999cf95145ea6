package org.jkvm.x64;

/**
 * What a VEX prefix says beside registers (Intel SDM vol. 2A, section 2.3.5), and the opcode.
 *
 * @param pp     VEX.pp: 0 for no prefix, 1 for 66h, 2 for F3h, 3 for F2h
 * @param map    opcode map, not the primary one
 * @param w      VEX.W
 * @param l      VEX.L: 256 bits
 * @param opcode opcode byte
 */
public record VexOpcode(int pp, OpcodeMap map, boolean w, boolean l, int opcode) {
    /** Refuses what VEX cannot say. */
    public VexOpcode {
        if (map == OpcodeMap.PRIMARY || pp < 0 || pp > 3) {
            throw new IllegalArgumentException("no VEX prefix for map " + map + " with pp " + pp);
        }
    }

    /** VEX.W for 64-bit operands. */
    VexOpcode sized(Size size) {
        if (size != Size.DWORD && size != Size.QWORD) {
            throw new IllegalArgumentException("VEX-encoded integer instructions take 32 or 64 bits");
        }
        return new VexOpcode(pp, map, size == Size.QWORD, l, opcode);
    }
}
