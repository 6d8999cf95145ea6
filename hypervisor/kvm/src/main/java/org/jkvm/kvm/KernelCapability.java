package org.jkvm.kvm;

/** What a host's KVM may have (KVM_CAP_* of include/uapi/linux/kvm.h), with what it is for. In the header's order. */
enum KernelCapability {
    IRQCHIP(0, "interrupt controllers in the kernel", true),
    USER_MEMORY(3, "guest memory from user space", true),
    NR_VCPUS(9, "recommended vCPUs", false),
    NR_MEMSLOTS(10, "memory slots", false),
    MP_STATE(14, "processor states", true),
    COALESCED_MMIO(15, "gathered MMIO writes", false),
    SET_GUEST_DEBUG(23, "single step and breakpoints", false),
    IRQ_ROUTING(25, "interrupt routes", true),
    IRQFD(32, "interrupts from events", false),
    PIT2(33, "8254 in the kernel", true),
    IOEVENTFD(36, "events from doorbells", false),
    ADJUST_CLOCK(39, "paravirtual clock", true),
    VCPU_EVENTS(41, "pending events", true),
    DEBUGREGS(50, "debug registers", true),
    XSAVE(55, "floating-point state", true),
    XCRS(56, "extended control registers", true),
    TSC_CONTROL(60, "time-stamp counter of any frequency", false),
    MAX_VCPUS(66, "most vCPUs", false),
    SIGNAL_MSI(77, "message signalled interrupts", true),
    READONLY_MEM(81, "read-only memory", true),
    SPLIT_IRQCHIP(121, "split interrupt chip", false),
    IMMEDIATE_EXIT(136, "kicks without a race", true),
    COALESCED_PIO(162, "gathered port writes", false),
    SET_GUEST_DEBUG2(195, "kinds of debugging, by bit", false);

    private final int number;
    private final String meaning;
    private final boolean needed;

    KernelCapability(int number, String meaning, boolean needed) {
        this.number = number;
        this.meaning = meaning;
        this.needed = needed;
    }

    int number() {
        return number;
    }

    String meaning() {
        return meaning;
    }

    /** What there is of it, given what the kernel says. */
    String describe(int value) {
        return this == SET_GUEST_DEBUG2 && value > 1 ? Integer.toHexString(value) + "h"
                : value == 0 ? "no" : value == 1 ? "yes" : Integer.toString(value);
    }

    /** Whether nothing runs without it. */
    boolean needed() {
        return needed;
    }
}
