package org.jkvm.machine.pc;

import java.util.ArrayDeque;
import java.util.Deque;

/** What a machine holds of the host, let go of in the opposite order. */
final class Resources implements AutoCloseable {
    private final Deque<AutoCloseable> held = new ArrayDeque<>();

    /** Takes {@code resource}; returns it. */
    <R extends AutoCloseable> R add(R resource) {
        held.push(resource);
        return resource;
    }

    @Override
    public void close() {
        while (!held.isEmpty()) {
            close(held.pop());
        }
    }

    /** The rest is closed whatever one of them does. */
    private static void close(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            System.getLogger(Resources.class.getName()).log(System.Logger.Level.WARNING, "closing " + resource, e);
        }
    }
}
