package org.jkvm.x64;

/** Segment registers, in the order of their numbers (Intel SDM vol. 2D, table B-8). */
public enum Segment {
    ES, CS, SS, DS, FS, GS
}
