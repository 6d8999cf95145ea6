package org.jkvm.storage.layer;

import java.nio.file.Path;
import org.jkvm.base.HostException;
import org.jkvm.base.UserException;
import org.jkvm.linux.ByteRangeLocks;
import org.jkvm.linux.Errno;
import org.jkvm.linux.HostFile;

/**
 * Keeps two programs from writing one image, by the convention that QEMU keeps too, so that each excludes the other.
 * An opener takes a shared lock on byte {@code 100 + n} for each permission n that it uses and on byte
 * {@code 200 + n} for each permission that it doesn't let others use; then it looks whether anybody else uses what it
 * doesn't share or doesn't share what it uses.
 */
public final class ImageLock {
    private static final int USED = 100;
    private static final int UNSHARED = 200;
    // Numbers of permissions.
    private static final int CONSISTENT_READ = 0;
    private static final int WRITE = 1;
    private static final int RESIZE = 3;
    private static final int[] READER = {CONSISTENT_READ};
    private static final int[] WRITER = {CONSISTENT_READ, WRITE, RESIZE};
    private static final int[] REFUSED_TO_OTHERS = {WRITE, RESIZE};

    private ImageLock() {
    }

    /**
     * Locks {@code file} until it is closed. A host without such locks (EINVAL) leaves images unprotected.
     *
     * @throws UserException where another opener is in the way
     */
    public static void take(HostFile file, boolean writable) {
        int[] uses = writable ? WRITER : READER;
        ByteRangeLocks locks = new ByteRangeLocks(file);
        try {
            announce(locks, uses, file.path());
            refuse(locks, USED, REFUSED_TO_OTHERS, file.path());
            refuse(locks, UNSHARED, uses, file.path());
        } catch (HostException e) {
            if (e.errno() != Errno.EINVAL) {
                throw new UserException("cannot lock image: " + e.getMessage());
            }
        }
    }

    private static void announce(ByteRangeLocks locks, int[] uses, Path path) {
        for (int permission : uses) {
            require(locks.lockShared(USED + permission), permission, path);
        }
        for (int permission : REFUSED_TO_OTHERS) {
            require(locks.lockShared(UNSHARED + permission), permission, path);
        }
    }

    private static void refuse(ByteRangeLocks locks, int base, int[] permissions, Path path) {
        for (int permission : permissions) {
            require(!locks.heldByOther(base + permission), permission, path);
        }
    }

    private static void require(boolean granted, int permission, Path path) {
        if (!granted) {
            throw new UserException("image '" + path + "' is in use: failed to get the \"" + name(permission)
                    + "\" lock; another virtual machine or tool has it open"
                    + " (to look at it all the same: read-only with force-share=on, or -U)");
        }
    }

    private static String name(int permission) {
        return switch (permission) {
            case CONSISTENT_READ -> "consistent read";
            case WRITE -> "write";
            default -> "resize";
        };
    }
}
