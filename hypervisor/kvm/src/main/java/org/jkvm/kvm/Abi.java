package org.jkvm.kvm;

import java.util.List;

/** The kernel's structures (include/uapi/linux/kvm.h and arch/x86/include/uapi/asm/kvm.h), in the headers' order. */
final class Abi {
    private Abi() {
    }

    /** Every structure, for the test against the headers. */
    static List<CStruct> all() {
        return List.of(UserMemoryRegion.S, Run.S, DirtyLog.S, SignalMask.S, MpState.S, Translation.S, GuestDebug.S, EnableCap.S,
                CoalescedZone.S, CoalescedRing.S, Coalesced.S, ClockData.S, Regs.S, Lapic.S, Segment.S, Dtable.S, Sregs.S,
                MsrEntry.S, Msrs.S, MsrList.S, CpuidEntry.S, Cpuid.S, VcpuEvents.S, DebugRegs.S, Xsave.S, Xcr.S, Xcrs.S,
                DeviceAttr.S);
    }

    /** A memory slot. */
    static final class UserMemoryRegion {
        static final CStruct S = new CStruct("kvm_userspace_memory_region", 32);
        static final int SLOT = S.field("slot", 0);
        static final int FLAGS = S.field("flags", 4);
        static final int GUEST_PHYS_ADDR = S.field("guest_phys_addr", 8);
        static final int MEMORY_SIZE = S.field("memory_size", 16);
        static final int USERSPACE_ADDR = S.field("userspace_addr", 24);
        /** KVM_MEM_LOG_DIRTY_PAGES. */
        static final int LOG_DIRTY_PAGES = 1;
        /** KVM_MEM_READONLY. */
        static final int READONLY = 2;

        private UserMemoryRegion() {
        }
    }

    /** What a vCPU shares with the kernel: why it left, with what. */
    static final class Run {
        static final CStruct S = new CStruct("kvm_run", 2352);
        static final int REQUEST_INTERRUPT_WINDOW = S.field("request_interrupt_window", 0);
        static final int IMMEDIATE_EXIT = S.field("immediate_exit", 1);
        static final int EXIT_REASON = S.field("exit_reason", 8);
        static final int READY_FOR_INTERRUPT_INJECTION = S.field("ready_for_interrupt_injection", 12);
        static final int HARDWARE_ENTRY_FAILURE_REASON = S.field("fail_entry.hardware_entry_failure_reason", 32);
        static final int IO_DIRECTION = S.field("io.direction", 32);
        static final int IO_SIZE = S.field("io.size", 33);
        static final int IO_PORT = S.field("io.port", 34);
        static final int IO_COUNT = S.field("io.count", 36);
        static final int IO_DATA_OFFSET = S.field("io.data_offset", 40);
        static final int DEBUG_PC = S.field("debug.arch.pc", 40);
        static final int DEBUG_DR6 = S.field("debug.arch.dr6", 48);
        static final int MMIO_PHYS_ADDR = S.field("mmio.phys_addr", 32);
        static final int MMIO_DATA = S.field("mmio.data", 40);
        static final int MMIO_LEN = S.field("mmio.len", 48);
        static final int MMIO_IS_WRITE = S.field("mmio.is_write", 52);
        static final int SUBERROR = S.field("internal.suberror", 32);
        static final int NDATA = S.field("internal.ndata", 36);
        static final int DATA = S.field("internal.data", 40);
        static final int EOI_VECTOR = S.field("eoi.vector", 32);
        static final int FAILURE_FLAGS = S.field("emulation_failure.flags", 40);
        static final int INSN_SIZE = S.field("emulation_failure.insn_size", 48);
        static final int INSN_BYTES = S.field("emulation_failure.insn_bytes", 49);

        private Run() {
        }
    }

    /** Which pages were written. */
    static final class DirtyLog {
        static final CStruct S = new CStruct("kvm_dirty_log", 16);
        static final int SLOT = S.field("slot", 0);
        static final int DIRTY_BITMAP = S.field("dirty_bitmap", 8);

        private DirtyLog() {
        }
    }

    /** Which signals are held back in the kernel. */
    static final class SignalMask {
        static final CStruct S = new CStruct("kvm_signal_mask", 4);
        static final int LEN = S.field("len", 0);

        private SignalMask() {
        }
    }

    /** Running, halted, waiting for start-up. */
    static final class MpState {
        static final CStruct S = new CStruct("kvm_mp_state", 4);
        static final int MP_STATE = S.field("mp_state", 0);
        /** KVM_MP_STATE_RUNNABLE. */
        static final int RUNNABLE = 0;
        /** KVM_MP_STATE_UNINITIALIZED. */
        static final int UNINITIALIZED = 1;
        /** KVM_MP_STATE_INIT_RECEIVED. */
        static final int INIT_RECEIVED = 2;
        /** KVM_MP_STATE_HALTED. */
        static final int HALTED = 3;

        private MpState() {
        }
    }

    /** A walk of the guest's page tables. */
    static final class Translation {
        static final CStruct S = new CStruct("kvm_translation", 24);
        static final int LINEAR_ADDRESS = S.field("linear_address", 0);
        static final int PHYSICAL_ADDRESS = S.field("physical_address", 8);
        static final int VALID = S.field("valid", 16);

        private Translation() {
        }
    }

    /** Single step and breakpoints. */
    static final class GuestDebug {
        static final CStruct S = new CStruct("kvm_guest_debug", 72);
        static final int CONTROL = S.field("control", 0);
        static final int DEBUGREG = S.field("arch.debugreg", 8);
        /** KVM_GUESTDBG_ENABLE. */
        static final int ENABLE = 1;
        /** KVM_GUESTDBG_SINGLESTEP. */
        static final int SINGLESTEP = 2;
        /** KVM_GUESTDBG_USE_HW_BP. */
        static final int USE_HW_BP = 0x2_0000;
        /** KVM_GUESTDBG_BLOCKIRQ. */
        static final int BLOCKIRQ = 0x10_0000;

        private GuestDebug() {
        }
    }

    /** A capability to switch on. */
    static final class EnableCap {
        static final CStruct S = new CStruct("kvm_enable_cap", 104);
        static final int CAP = S.field("cap", 0);
        static final int ARGS = S.field("args", 8);

        private EnableCap() {
        }
    }

    /** A range whose writes the kernel may gather. */
    static final class CoalescedZone {
        static final CStruct S = new CStruct("kvm_coalesced_mmio_zone", 16);
        static final int ADDR = S.field("addr", 0);
        static final int SIZE = S.field("size", 8);
        static final int PIO = S.field("pio", 12);

        private CoalescedZone() {
        }
    }

    /** Gathered writes. */
    static final class CoalescedRing {
        static final CStruct S = new CStruct("kvm_coalesced_mmio_ring", 8);
        static final int FIRST = S.field("first", 0);
        static final int LAST = S.field("last", 4);

        private CoalescedRing() {
        }
    }

    /** One gathered write. */
    static final class Coalesced {
        static final CStruct S = new CStruct("kvm_coalesced_mmio", 24);
        static final int PHYS_ADDR = S.field("phys_addr", 0);
        static final int LEN = S.field("len", 8);
        static final int PIO = S.field("pio", 12);
        static final int DATA = S.field("data", 16);

        private Coalesced() {
        }
    }

    /** The paravirtual clock. */
    static final class ClockData {
        static final CStruct S = new CStruct("kvm_clock_data", 48);
        static final int CLOCK = S.field("clock", 0);
        static final int FLAGS = S.field("flags", 8);

        private ClockData() {
        }
    }

    /** General registers. */
    static final class Regs {
        static final CStruct S = new CStruct("kvm_regs", 144);
        /** Offsets by register number: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15. */
        static final int[] GENERAL = {S.field("rax", 0), S.field("rcx", 16), S.field("rdx", 24), S.field("rbx", 8),
            S.field("rsp", 48), S.field("rbp", 56), S.field("rsi", 32), S.field("rdi", 40), S.field("r8", 64),
            S.field("r9", 72), S.field("r10", 80), S.field("r11", 88), S.field("r12", 96), S.field("r13", 104),
            S.field("r14", 112), S.field("r15", 120)};
        static final int RIP = S.field("rip", 128);
        static final int RFLAGS = S.field("rflags", 136);

        private Regs() {
        }
    }

    /** The local APIC's register page. */
    static final class Lapic {
        static final CStruct S = new CStruct("kvm_lapic_state", 1024);
        static final int REGS = S.field("regs", 0);

        private Lapic() {
        }
    }

    /** A segment register. */
    static final class Segment {
        static final CStruct S = new CStruct("kvm_segment", 24);
        static final int BASE = S.field("base", 0);
        static final int LIMIT = S.field("limit", 8);
        static final int SELECTOR = S.field("selector", 12);
        static final int TYPE = S.field("type", 14);
        static final int PRESENT = S.field("present", 15);
        static final int DPL = S.field("dpl", 16);
        static final int DB = S.field("db", 17);
        static final int S_BIT = S.field("s", 18);
        static final int L = S.field("l", 19);
        static final int G = S.field("g", 20);
        static final int AVL = S.field("avl", 21);
        static final int UNUSABLE = S.field("unusable", 22);

        private Segment() {
        }
    }

    /** A descriptor table register. */
    static final class Dtable {
        static final CStruct S = new CStruct("kvm_dtable", 16);
        static final int BASE = S.field("base", 0);
        static final int LIMIT = S.field("limit", 8);

        private Dtable() {
        }
    }

    /** Segments and control registers. */
    static final class Sregs {
        static final CStruct S = new CStruct("kvm_sregs", 312);
        /** Offsets by segment number: ES, CS, SS, DS, FS, GS, then TR and LDTR. */
        static final int[] SEGMENTS = {S.field("es", 48), S.field("cs", 0), S.field("ss", 120), S.field("ds", 24),
            S.field("fs", 72), S.field("gs", 96), S.field("tr", 144), S.field("ldt", 168)};
        static final int GDT = S.field("gdt", 192);
        static final int IDT = S.field("idt", 208);
        static final int CR0 = S.field("cr0", 224);
        static final int CR2 = S.field("cr2", 232);
        static final int CR3 = S.field("cr3", 240);
        static final int CR4 = S.field("cr4", 248);
        static final int CR8 = S.field("cr8", 256);
        static final int EFER = S.field("efer", 264);
        static final int APIC_BASE = S.field("apic_base", 272);
        static final int INTERRUPT_BITMAP = S.field("interrupt_bitmap", 280);

        private Sregs() {
        }
    }

    /** An MSR. */
    static final class MsrEntry {
        static final CStruct S = new CStruct("kvm_msr_entry", 16);
        static final int INDEX = S.field("index", 0);
        static final int DATA = S.field("data", 8);

        private MsrEntry() {
        }
    }

    /** How many MSRs follow. */
    static final class Msrs {
        static final CStruct S = new CStruct("kvm_msrs", 8);
        static final int NMSRS = S.field("nmsrs", 0);

        private Msrs() {
        }
    }

    /** How many MSR numbers follow. */
    static final class MsrList {
        static final CStruct S = new CStruct("kvm_msr_list", 4);
        static final int NMSRS = S.field("nmsrs", 0);

        private MsrList() {
        }
    }

    /** An answer of CPUID. */
    static final class CpuidEntry {
        static final CStruct S = new CStruct("kvm_cpuid_entry2", 40);
        static final int FUNCTION = S.field("function", 0);
        static final int INDEX = S.field("index", 4);
        static final int FLAGS = S.field("flags", 8);
        static final int EAX = S.field("eax", 12);
        static final int EBX = S.field("ebx", 16);
        static final int ECX = S.field("ecx", 20);
        static final int EDX = S.field("edx", 24);
        /** KVM_CPUID_FLAG_SIGNIFICANT_INDEX. */
        static final int SIGNIFICANT_INDEX = 1;

        private CpuidEntry() {
        }
    }

    /** How many answers follow. */
    static final class Cpuid {
        static final CStruct S = new CStruct("kvm_cpuid2", 8);
        static final int NENT = S.field("nent", 0);

        private Cpuid() {
        }
    }

    /** What a vCPU is about to deliver. */
    static final class VcpuEvents {
        static final CStruct S = new CStruct("kvm_vcpu_events", 64);
        static final int INTERRUPT_INJECTED = S.field("interrupt.injected", 8);
        static final int INTERRUPT_NR = S.field("interrupt.nr", 9);
        static final int INTERRUPT_SOFT = S.field("interrupt.soft", 10);
        static final int INTERRUPT_SHADOW = S.field("interrupt.shadow", 11);
        static final int NMI_INJECTED = S.field("nmi.injected", 12);
        static final int NMI_PENDING = S.field("nmi.pending", 13);
        static final int NMI_MASKED = S.field("nmi.masked", 14);
        static final int SIPI_VECTOR = S.field("sipi_vector", 16);
        static final int FLAGS = S.field("flags", 20);
        /** KVM_VCPUEVENT_VALID_NMI_PENDING. */
        static final int VALID_NMI_PENDING = 1;
        /** KVM_VCPUEVENT_VALID_SHADOW. */
        static final int VALID_SHADOW = 4;
        /** KVM_X86_SHADOW_INT_STI. */
        static final int SHADOW_STI = 2;

        private VcpuEvents() {
        }
    }

    /** Debug registers. */
    static final class DebugRegs {
        static final CStruct S = new CStruct("kvm_debugregs", 128);
        static final int DB = S.field("db", 0);
        static final int DR6 = S.field("dr6", 32);
        static final int DR7 = S.field("dr7", 40);

        private DebugRegs() {
        }
    }

    /** x87, SSE and further registers as XSAVE lays them out. */
    static final class Xsave {
        static final CStruct S = new CStruct("kvm_xsave", 4096);
        static final int REGION = S.field("region", 0);

        private Xsave() {
        }
    }

    /** An extended control register. */
    static final class Xcr {
        static final CStruct S = new CStruct("kvm_xcr", 16);
        static final int XCR = S.field("xcr", 0);
        static final int VALUE = S.field("value", 8);

        private Xcr() {
        }
    }

    /** Extended control registers. */
    static final class Xcrs {
        static final CStruct S = new CStruct("kvm_xcrs", 392);
        static final int NR_XCRS = S.field("nr_xcrs", 0);
        static final int XCRS = S.field("xcrs", 8);

        private Xcrs() {
        }
    }

    /** An attribute of a device, here of a vCPU (Documentation/virt/kvm/devices/vcpu.rst). */
    static final class DeviceAttr {
        static final CStruct S = new CStruct("kvm_device_attr", 24);
        static final int GROUP = S.field("group", 4);
        static final int ATTR = S.field("attr", 8);
        static final int ADDR = S.field("addr", 16);
        /** KVM_VCPU_TSC_CTRL. */
        static final int TSC_CTRL = 0;
        /** KVM_VCPU_TSC_OFFSET. */
        static final int TSC_OFFSET = 0;

        private DeviceAttr() {
        }
    }
}
