package org.jkvm.kvm;

/** What a message signalled interrupt writes, and where. */
public record MsiMessage(long address, int data) {
}
