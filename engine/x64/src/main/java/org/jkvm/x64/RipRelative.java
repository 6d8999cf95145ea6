package org.jkvm.x64;

/**
 * Memory at a host address, encoded relative to the next instruction; it must lie within 2 GiB of the code.
 *
 * @param target host address
 */
public record RipRelative(long target) implements Memory {
}
