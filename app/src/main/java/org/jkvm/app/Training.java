package org.jkvm.app;

/** What the launcher runs once, at build time, to fill the ahead-of-time cache. */
final class Training {
    private Training() {
    }

    /** Runs what every start needs. */
    public static void main(String[] args) {
        Kvm.run("-version");
        Kvm.run("-help");
    }
}
