package org.jkvm.storage.qcow2;

import java.io.IOException;

/** The image's metadata contradicts itself: going on writing would make it worse. */
final class CorruptException extends IOException {
    private static final long serialVersionUID = 1L;

    CorruptException(String message) {
        super("corrupt qcow2 image: " + message);
    }
}
