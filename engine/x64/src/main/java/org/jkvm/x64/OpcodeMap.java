package org.jkvm.x64;

/** The opcode maps (Intel SDM vol. 2D, appendix A), in the order of VEX.mmmmm. */
public enum OpcodeMap {
    PRIMARY(0), ESCAPE_0F(0x0f00), ESCAPE_0F38(0x0f3800), ESCAPE_0F3A(0x0f3a00);

    private final int escape;

    OpcodeMap(int escape) {
        this.escape = escape;
    }

    /** The opcode byte behind the map's escape bytes. */
    int withEscape(int opcode) {
        return escape | opcode;
    }
}
