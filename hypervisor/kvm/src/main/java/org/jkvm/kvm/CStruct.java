package org.jkvm.kvm;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A structure of the kernel's interface: its name, its size and the fields that are used here, as constants are declared.
 * A test compares all of it with the kernel's own headers.
 */
final class CStruct {
    private final String name;
    private final int size;
    private final Map<String, Integer> fields = new LinkedHashMap<>();

    CStruct(String name, int size) {
        this.name = name;
        this.size = size;
    }

    /** Declares a field, in C's spelling; returns its offset. Only for the initializers of constants. */
    int field(String field, int offset) {
        fields.put(field, offset);
        return offset;
    }

    String name() {
        return name;
    }

    int size() {
        return size;
    }

    Map<String, Integer> fields() {
        return fields;
    }
}
