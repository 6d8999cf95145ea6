package org.jkvm.hypervisor.x86;

import java.util.List;

/**
 * What CPUID says (Intel SDM vol. 2A, CPUID): the leaves of one CPU model after feature switches, for one vCPU count.
 *
 * @param name   as {@code -cpu} takes it
 * @param leaves the answers
 */
public record CpuModel(String name, List<Leaf> leaves) {
    /** Copies the list. */
    public CpuModel {
        leaves = List.copyOf(leaves);
    }

    /**
     * One answer.
     *
     * @param function  EAX in
     * @param subleaf   ECX in, or -1 where ECX does not matter
     */
    public record Leaf(int function, int subleaf, int eax, int ebx, int ecx, int edx) {
    }
}
