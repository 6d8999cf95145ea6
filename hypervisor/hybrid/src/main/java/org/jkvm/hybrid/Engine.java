package org.jkvm.hybrid;

/** What runs guest code. */
public enum Engine {
    /** Linux's KVM, with the software engine's help. */
    KVM("kvm"),
    /** The software engine. */
    SOFT("soft");

    private final String label;

    Engine(String label) {
        this.label = label;
    }

    /** The name, as {@code -accel} and the monitor's {@code accel} take it. */
    public String label() {
        return label;
    }
}
