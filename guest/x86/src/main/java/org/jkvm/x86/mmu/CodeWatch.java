package org.jkvm.x86.mmu;

/** Who keeps decoded code and must know when its bytes are written (SDM vol. 3A, section 8.1.3). */
@FunctionalInterface
public interface CodeWatch {
    /** Nobody keeps code. */
    CodeWatch NONE = (address, size) -> { };

    /** Bytes inside one physical page were written. */
    void written(long address, int size);
}
