package org.jkvm.x86.state;

/**
 * A code segment as far as code decoded from it depends on it: instructions have addresses, and may lie, where base and limit
 * say.
 *
 * @param base   linear address of offset 0
 * @param limit  highest offset that may be fetched from
 * @param number 40 bits; two segments that differ in base or limit have different ones
 */
public record CodeSegment(long base, long limit, long number) {
    /** All of 4 GiB. */
    public static final CodeSegment FLAT = new CodeSegment(0, 0xffff_ffffL, 0);
    /** 64-bit mode's. */
    public static final CodeSegment UNLIMITED = new CodeSegment(0, -1L, 0);
}
