package org.jkvm.app.vm;

import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jkvm.app.settings.BlockNode;
import org.jkvm.base.backend.NoSpaceException;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.storage.live.Operation;

/**
 * Says on the standard error output that a disk fails its guest: a line for the first failure, and then at most one every ten
 * seconds. A failure that stops the machine is said where that is. From any thread.
 */
final class DiskFailures implements BiConsumer<Operation, Throwable> {
    private static final long QUIET = TimeUnit.SECONDS.toNanos(10);

    private final BlockNode node;
    private long since;
    private long unsaid;

    DiskFailures(BlockNode node) {
        this.node = node;
    }

    @Override
    public void accept(Operation operation, Throwable failure) {
        ErrorPolicy policy = operation == Operation.READ ? node.rerror() : node.werror();
        boolean stops = policy == ErrorPolicy.STOP || policy == ErrorPolicy.ENOSPC && failure instanceof NoSpaceException;
        if (!stops) {
            say(failure, policy);
        }
    }

    private synchronized void say(Throwable failure, ErrorPolicy policy) {
        long now = System.nanoTime();
        if (since != 0 && now - since < QUIET) {
            unsaid++;
            return;
        }
        System.err.println("kvm: disk '" + node.name() + "': " + failure.getMessage() + (unsaid == 0 ? "" : " (and " + unsaid
                + " more)") + (policy == ErrorPolicy.IGNORE ? "; the guest is not told" : "; the guest sees an I/O error"));
        since = now;
        unsaid = 0;
    }
}
