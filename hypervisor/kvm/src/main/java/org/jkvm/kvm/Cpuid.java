package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.hypervisor.x86.CpuModel.Leaf;

/** Tells the kernel what CPUID answers on a vCPU: the model's answers, with the vCPU's own APIC id in them. */
final class Cpuid {
    private Cpuid() {
    }

    static void set(Handle vcpu, CpuModel model, int apicId) {
        List<Leaf> leaves = model.leaves();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(Abi.Cpuid.S.size() + (long) leaves.size() * Abi.CpuidEntry.S.size(), 8);
            table.set(JAVA_INT, Abi.Cpuid.NENT, leaves.size());
            for (int n = 0; n < leaves.size(); n++) {
                put(table, Abi.Cpuid.S.size() + (long) n * Abi.CpuidEntry.S.size(), leaves.get(n), apicId);
            }
            vcpu.call(Request.KVM_SET_CPUID2, table);
        }
    }

    /** SDM vol. 2A, CPUID: leaf 1, EBX bits 31:24 is the initial APIC id; leaf Bh, EDX the x2APIC id. */
    private static void put(MemorySegment table, long at, Leaf leaf, int apicId) {
        table.set(JAVA_INT, at + Abi.CpuidEntry.FUNCTION, leaf.function());
        table.set(JAVA_INT, at + Abi.CpuidEntry.INDEX, Math.max(0, leaf.subleaf()));
        table.set(JAVA_INT, at + Abi.CpuidEntry.FLAGS, leaf.subleaf() < 0 ? 0 : Abi.CpuidEntry.SIGNIFICANT_INDEX);
        table.set(JAVA_INT, at + Abi.CpuidEntry.EAX, leaf.eax());
        table.set(JAVA_INT, at + Abi.CpuidEntry.EBX, leaf.function() == 1 ? leaf.ebx() & 0xff_ffff | apicId << 24 : leaf.ebx());
        table.set(JAVA_INT, at + Abi.CpuidEntry.ECX, leaf.ecx());
        table.set(JAVA_INT, at + Abi.CpuidEntry.EDX, leaf.function() == 0xb ? apicId : leaf.edx());
    }
}
