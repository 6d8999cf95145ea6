package org.jkvm.devices.pci;

/**
 * Who a function says it is (PCI 3.0, section 6.2.1 and 6.2.4).
 *
 * @param vendor          vendor ID, 16 bits
 * @param device          device ID, 16 bits
 * @param revision        revision ID, 8 bits
 * @param classCode       base class, sub-class and programming interface, 24 bits
 * @param subsystemVendor subsystem vendor ID, 16 bits
 * @param subsystem       subsystem ID, 16 bits
 */
public record PciIdentity(int vendor, int device, int revision, int classCode, int subsystemVendor, int subsystem) {
    /** An identity without a subsystem. */
    public PciIdentity(int vendor, int device, int revision, int classCode) {
        this(vendor, device, revision, classCode, 0, 0);
    }
}
