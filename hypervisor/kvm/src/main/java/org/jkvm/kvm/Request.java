package org.jkvm.kvm;

import org.jkvm.linux.Ioctl;

/** The requests of /dev/kvm that are used (include/uapi/linux/kvm.h), in the header's order. */
enum Request {
    KVM_GET_API_VERSION(Direction.NONE, 0x00, 0),
    KVM_CREATE_VM(Direction.NONE, 0x01, 0),
    KVM_GET_MSR_INDEX_LIST(Direction.READ_WRITE, 0x02, Abi.MsrList.S.size()),
    KVM_CHECK_EXTENSION(Direction.NONE, 0x03, 0),
    KVM_GET_VCPU_MMAP_SIZE(Direction.NONE, 0x04, 0),
    KVM_GET_SUPPORTED_CPUID(Direction.READ_WRITE, 0x05, Abi.Cpuid.S.size()),
    KVM_CREATE_VCPU(Direction.NONE, 0x41, 0),
    KVM_GET_DIRTY_LOG(Direction.WRITE, 0x42, Abi.DirtyLog.S.size()),
    KVM_SET_USER_MEMORY_REGION(Direction.WRITE, 0x46, Abi.UserMemoryRegion.S.size()),
    KVM_SET_TSS_ADDR(Direction.NONE, 0x47, 0),
    KVM_SET_IDENTITY_MAP_ADDR(Direction.WRITE, 0x48, Long.BYTES),
    KVM_CREATE_IRQCHIP(Direction.NONE, 0x60, 0),
    KVM_IRQ_LINE(Direction.WRITE, 0x61, ChipAbi.IrqLevel.S.size()),
    KVM_GET_IRQCHIP(Direction.READ_WRITE, 0x62, ChipAbi.IrqChip.S.size()),
    KVM_SET_IRQCHIP(Direction.READ, 0x63, ChipAbi.IrqChip.S.size()),
    KVM_REGISTER_COALESCED_MMIO(Direction.WRITE, 0x67, Abi.CoalescedZone.S.size()),
    KVM_SET_GSI_ROUTING(Direction.WRITE, 0x6a, ChipAbi.IrqRouting.S.size()),
    KVM_IRQFD(Direction.WRITE, 0x76, ChipAbi.IrqFd.S.size()),
    KVM_CREATE_PIT2(Direction.WRITE, 0x77, ChipAbi.PitConfig.S.size()),
    KVM_IOEVENTFD(Direction.WRITE, 0x79, ChipAbi.IoEventFd.S.size()),
    KVM_SET_CLOCK(Direction.WRITE, 0x7b, Abi.ClockData.S.size()),
    KVM_GET_CLOCK(Direction.READ, 0x7c, Abi.ClockData.S.size()),
    KVM_RUN(Direction.NONE, 0x80, 0),
    KVM_GET_REGS(Direction.READ, 0x81, Abi.Regs.S.size()),
    KVM_SET_REGS(Direction.WRITE, 0x82, Abi.Regs.S.size()),
    KVM_GET_SREGS(Direction.READ, 0x83, Abi.Sregs.S.size()),
    KVM_SET_SREGS(Direction.WRITE, 0x84, Abi.Sregs.S.size()),
    KVM_TRANSLATE(Direction.READ_WRITE, 0x85, Abi.Translation.S.size()),
    KVM_INTERRUPT(Direction.WRITE, 0x86, ChipAbi.Interrupt.S.size()),
    KVM_GET_MSRS(Direction.READ_WRITE, 0x88, Abi.Msrs.S.size()),
    KVM_SET_MSRS(Direction.WRITE, 0x89, Abi.Msrs.S.size()),
    KVM_SET_SIGNAL_MASK(Direction.WRITE, 0x8b, Abi.SignalMask.S.size()),
    KVM_GET_LAPIC(Direction.READ, 0x8e, Abi.Lapic.S.size()),
    KVM_SET_LAPIC(Direction.WRITE, 0x8f, Abi.Lapic.S.size()),
    KVM_SET_CPUID2(Direction.WRITE, 0x90, Abi.Cpuid.S.size()),
    KVM_GET_MP_STATE(Direction.READ, 0x98, Abi.MpState.S.size()),
    KVM_SET_MP_STATE(Direction.WRITE, 0x99, Abi.MpState.S.size()),
    KVM_NMI(Direction.NONE, 0x9a, 0),
    KVM_SET_GUEST_DEBUG(Direction.WRITE, 0x9b, Abi.GuestDebug.S.size()),
    KVM_X86_SETUP_MCE(Direction.WRITE, 0x9c, Long.BYTES),
    KVM_GET_PIT2(Direction.READ, 0x9f, ChipAbi.PitState.S.size()),
    KVM_SET_PIT2(Direction.WRITE, 0xa0, ChipAbi.PitState.S.size()),
    KVM_GET_VCPU_EVENTS(Direction.READ, 0x9f, Abi.VcpuEvents.S.size()),
    KVM_SET_VCPU_EVENTS(Direction.WRITE, 0xa0, Abi.VcpuEvents.S.size()),
    KVM_GET_DEBUGREGS(Direction.READ, 0xa1, Abi.DebugRegs.S.size()),
    KVM_SET_DEBUGREGS(Direction.WRITE, 0xa2, Abi.DebugRegs.S.size()),
    KVM_SET_TSC_KHZ(Direction.NONE, 0xa2, 0),
    KVM_GET_TSC_KHZ(Direction.NONE, 0xa3, 0),
    KVM_ENABLE_CAP(Direction.WRITE, 0xa3, Abi.EnableCap.S.size()),
    KVM_GET_XSAVE(Direction.READ, 0xa4, Abi.Xsave.S.size()),
    KVM_SET_XSAVE(Direction.WRITE, 0xa5, Abi.Xsave.S.size()),
    KVM_SIGNAL_MSI(Direction.WRITE, 0xa5, ChipAbi.Msi.S.size()),
    KVM_GET_XCRS(Direction.READ, 0xa6, Abi.Xcrs.S.size()),
    KVM_SET_XCRS(Direction.WRITE, 0xa7, Abi.Xcrs.S.size()),
    KVM_SET_DEVICE_ATTR(Direction.WRITE, 0xe1, Abi.DeviceAttr.S.size()),
    KVM_GET_DEVICE_ATTR(Direction.WRITE, 0xe2, Abi.DeviceAttr.S.size());

    private static final int KVMIO = 0xae;

    private final long code;

    private enum Direction { NONE, READ, WRITE, READ_WRITE }

    Request(Direction direction, int number, int size) {
        code = switch (direction) {
            case NONE -> Ioctl.none(KVMIO, number);
            case READ -> Ioctl.read(KVMIO, number, size);
            case WRITE -> Ioctl.write(KVMIO, number, size);
            case READ_WRITE -> Ioctl.readWrite(KVMIO, number, size);
        };
    }

    /** The request's code, as ioctl(2) takes it. */
    long code() {
        return code;
    }
}
