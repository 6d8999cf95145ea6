package org.jkvm.soft.chip;

import org.jkvm.base.register.Register;

/**
 * A local APIC's registers as the MSRs of x2APIC mode (SDM vol. 3A, 10.12.1.2 and table 10-6). Single-threaded: the
 * chip's lock is held.
 */
final class X2apicMsrs {
    private static final int DELIVERY_STATUS = 1 << 12;
    private static final int REMOTE_IRR = 1 << 14;

    private final ApicBase base;
    private final LocalApicRegisters r;

    X2apicMsrs(ApicBase base, LocalApicRegisters registers) {
        this.base = base;
        this.r = registers;
    }

    /** Whether RDMSR of the register at {@code offset}, a multiple of 16, works now; else it is #GP. */
    boolean readable(int offset) {
        Register register = at(offset);
        return register != null && register != r.eoi && register != r.selfIpi;
    }

    /** Reads it: the ICR has 64 bits, the others 32. */
    long read(int offset) {
        long low = r.file.read(offset, 4);
        return offset == r.icr.offset() ? r.icrHigh.get() << 32 | low : low;
    }

    /** Writes the register at {@code offset}; false means #GP: not there, read-only, or reserved bits set. */
    boolean write(int offset, long value) {
        Register register = at(offset);
        if (register == null || readOnly(register) || (value & ~allowed(register)) != 0) {
            return false;
        }
        if (register == r.icr) {
            r.icrHigh.set(value >>> 32);
        }
        r.file.write(offset, 4, value & 0xffff_ffffL);
        return true;
    }

    private Register at(int offset) {
        Register register = base.x2apic() && offset < LocalApicRegisters.PAGE ? r.at(offset) : null;
        boolean xapicOnly = register == r.apr || register == r.rrd || register == r.dfr || register == r.icrHigh;
        return xapicOnly ? null : register;
    }

    private boolean readOnly(Register register) {
        return register == r.ldr || r.writable(register.offset()) == 0 && register != r.eoi && register != r.esr;
    }

    /** The status bits of the ICR and of LVT entries are ignored, not reserved. */
    private long allowed(Register register) {
        long bits = r.writable(register.offset());
        boolean lvt = register.offset() >= r.lvtTimer.offset() && register.offset() <= r.lvtError.offset();
        return register == r.icr ? bits | DELIVERY_STATUS | -1L << 32 : lvt ? bits | DELIVERY_STATUS | REMOTE_IRR : bits;
    }
}
