package org.jkvm.kvm;

import java.util.List;

/**
 * The kernel's structures of the interrupt chip and of events (include/uapi/linux/kvm.h and
 * arch/x86/include/uapi/asm/kvm.h), in the headers' order.
 */
final class ChipAbi {
    private ChipAbi() {
    }

    /** Every structure, for the test against the headers. */
    static List<CStruct> all() {
        return List.of(IrqLevel.S, IrqChip.S, Interrupt.S, PitConfig.S, IoEventFd.S, IrqRouting.S, IrqRoutingEntry.S, IrqFd.S,
                Msi.S, PicState.S, IoApicState.S, PitChannel.S, PitState.S);
    }

    /** An interrupt line's level. */
    static final class IrqLevel {
        static final CStruct S = new CStruct("kvm_irq_level", 8);
        static final int IRQ = S.field("irq", 0);
        static final int LEVEL = S.field("level", 4);

        private IrqLevel() {
        }
    }

    /** One interrupt controller. */
    static final class IrqChip {
        static final CStruct S = new CStruct("kvm_irqchip", 520);
        static final int CHIP_ID = S.field("chip_id", 0);
        static final int CHIP = S.field("chip", 8);
        /** KVM_IRQCHIP_PIC_MASTER. */
        static final int PIC_MASTER = 0;
        /** KVM_IRQCHIP_PIC_SLAVE. */
        static final int PIC_SLAVE = 1;
        /** KVM_IRQCHIP_IOAPIC. */
        static final int IOAPIC = 2;

        private IrqChip() {
        }
    }

    /** What 8259As elsewhere request. */
    static final class Interrupt {
        static final CStruct S = new CStruct("kvm_interrupt", 4);
        static final int IRQ = S.field("irq", 0);

        private Interrupt() {
        }
    }

    /** How the 8254 is made. */
    static final class PitConfig {
        static final CStruct S = new CStruct("kvm_pit_config", 64);
        static final int FLAGS = S.field("flags", 0);
        /** KVM_PIT_SPEAKER_DUMMY: port 61h is the kernel's too. */
        static final int SPEAKER_DUMMY = 1;

        private PitConfig() {
        }
    }

    /** A write that ends in the kernel, as an event. */
    static final class IoEventFd {
        static final CStruct S = new CStruct("kvm_ioeventfd", 64);
        static final int DATAMATCH = S.field("datamatch", 0);
        static final int ADDR = S.field("addr", 8);
        static final int LEN = S.field("len", 16);
        static final int FD = S.field("fd", 20);
        static final int FLAGS = S.field("flags", 24);
        /** KVM_IOEVENTFD_FLAG_DEASSIGN. */
        static final int DEASSIGN = 4;

        private IoEventFd() {
        }
    }

    /** Which pins a GSI reaches. */
    static final class IrqRouting {
        static final CStruct S = new CStruct("kvm_irq_routing", 8);
        static final int NR = S.field("nr", 0);

        private IrqRouting() {
        }
    }

    /** One of them. */
    static final class IrqRoutingEntry {
        static final CStruct S = new CStruct("kvm_irq_routing_entry", 48);
        static final int GSI = S.field("gsi", 0);
        static final int TYPE = S.field("type", 4);
        static final int IRQCHIP = S.field("u.irqchip.irqchip", 16);
        static final int PIN = S.field("u.irqchip.pin", 20);
        static final int ADDRESS_LO = S.field("u.msi.address_lo", 16);
        static final int ADDRESS_HI = S.field("u.msi.address_hi", 20);
        static final int DATA = S.field("u.msi.data", 24);
        /** KVM_IRQ_ROUTING_IRQCHIP. */
        static final int TO_IRQCHIP = 1;
        /** KVM_IRQ_ROUTING_MSI. */
        static final int TO_MSI = 2;

        private IrqRoutingEntry() {
        }
    }

    /** An event that raises an interrupt. */
    static final class IrqFd {
        static final CStruct S = new CStruct("kvm_irqfd", 32);
        static final int FD = S.field("fd", 0);
        static final int GSI = S.field("gsi", 4);
        static final int FLAGS = S.field("flags", 8);
        /** KVM_IRQFD_FLAG_DEASSIGN. */
        static final int DEASSIGN = 1;

        private IrqFd() {
        }
    }

    /** A message signalled interrupt. */
    static final class Msi {
        static final CStruct S = new CStruct("kvm_msi", 32);
        static final int ADDRESS_LO = S.field("address_lo", 0);
        static final int ADDRESS_HI = S.field("address_hi", 4);
        static final int DATA = S.field("data", 8);

        private Msi() {
        }
    }

    /** An 8259A. */
    static final class PicState {
        static final CStruct S = new CStruct("kvm_pic_state", 16);
        static final int LAST_IRR = S.field("last_irr", 0);
        static final int IRR = S.field("irr", 1);
        static final int IMR = S.field("imr", 2);
        static final int ISR = S.field("isr", 3);
        static final int PRIORITY_ADD = S.field("priority_add", 4);
        static final int IRQ_BASE = S.field("irq_base", 5);
        static final int READ_REG_SELECT = S.field("read_reg_select", 6);
        static final int POLL = S.field("poll", 7);
        static final int SPECIAL_MASK = S.field("special_mask", 8);
        static final int INIT_STATE = S.field("init_state", 9);
        static final int AUTO_EOI = S.field("auto_eoi", 10);
        static final int ROTATE_ON_AUTO_EOI = S.field("rotate_on_auto_eoi", 11);
        static final int SPECIAL_FULLY_NESTED_MODE = S.field("special_fully_nested_mode", 12);
        static final int INIT4 = S.field("init4", 13);
        static final int ELCR = S.field("elcr", 14);
        static final int ELCR_MASK = S.field("elcr_mask", 15);

        private PicState() {
        }
    }

    /** The I/O APIC. */
    static final class IoApicState {
        static final CStruct S = new CStruct("kvm_ioapic_state", 216);
        static final int BASE_ADDRESS = S.field("base_address", 0);
        static final int IOREGSEL = S.field("ioregsel", 8);
        static final int ID = S.field("id", 12);
        static final int IRR = S.field("irr", 16);
        static final int REDIRTBL = S.field("redirtbl", 24);

        private IoApicState() {
        }
    }

    /** A counter of the 8254. */
    static final class PitChannel {
        static final CStruct S = new CStruct("kvm_pit_channel_state", 24);
        static final int COUNT = S.field("count", 0);
        static final int LATCHED_COUNT = S.field("latched_count", 4);
        static final int COUNT_LATCHED = S.field("count_latched", 6);
        static final int STATUS_LATCHED = S.field("status_latched", 7);
        static final int STATUS = S.field("status", 8);
        static final int READ_STATE = S.field("read_state", 9);
        static final int WRITE_STATE = S.field("write_state", 10);
        static final int WRITE_LATCH = S.field("write_latch", 11);
        static final int RW_MODE = S.field("rw_mode", 12);
        static final int MODE = S.field("mode", 13);
        static final int BCD = S.field("bcd", 14);
        static final int GATE = S.field("gate", 15);
        static final int COUNT_LOAD_TIME = S.field("count_load_time", 16);

        private PitChannel() {
        }
    }

    /** The 8254. */
    static final class PitState {
        static final CStruct S = new CStruct("kvm_pit_state2", 112);
        static final int CHANNELS = S.field("channels", 0);
        static final int FLAGS = S.field("flags", 72);
        /** KVM_PIT_FLAGS_SPEAKER_DATA_ON. */
        static final int SPEAKER_DATA_ON = 2;

        private PitState() {
        }
    }
}
