package org.jkvm.storage;

/**
 * What a repair of an image did.
 *
 * @param found what was wrong before
 * @param left what still is
 */
public record RepairResult(CheckResult found, CheckResult left) {
    /** Corruptions that are gone. */
    public long corruptionsFixed() {
        return Math.max(0, found.corruptions() - left.corruptions());
    }

    /** Leaks that are gone. */
    public long leaksFixed() {
        return Math.max(0, found.leaks() - left.leaks());
    }
}
