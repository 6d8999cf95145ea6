package org.jkvm.x86.translate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.x86.exec.Block;

/**
 * What the vCPUs of a machine translated, for the others, which copy it to their own caches. Nobody has to be told when the
 * guest changes its code: a translation is for instructions, and who takes it has just decoded the same. Any thread.
 */
public final class SharedTranslations {
    /** For a vCPU that is alone. */
    public static final SharedTranslations NOTHING = new SharedTranslations(0);
    /** Some kilobyte each; the oldest go. */
    private static final int MOST_KEPT = 1 << 15;

    private final int most;
    private final Map<Long, Shared> known;

    /**
     * One of them.
     *
     * @param translation nobody's: it says what is where
     * @param code        as it was made; to be changed by who found it
     * @param stubs       address of the stubs' exit for which it was made
     */
    record Shared(Translation translation, byte[] code, long stubs) {
        private boolean isFor(Block block) {
            Block ours = translation.block;
            return ours.isLike(block) && (ours.linear == block.linear || translation.relocations.movable());
        }

        private Shared copy() {
            return new Shared(translation, code.clone(), stubs);
        }
    }

    /** Empty. */
    public SharedTranslations() {
        this(MOST_KEPT);
    }

    private SharedTranslations(int most) {
        this.most = most;
        this.known = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Long, Shared> eldest) {
                return size() > most;
            }
        };
    }

    /** Lets others have {@code t}, just made for a vCPU whose stubs' exit is at {@code stubs}. */
    void offer(Translation t, byte[] code, long stubs) {
        if (most == 0) {
            return;
        }
        Relocations.Move nowhere = new Relocations.Move(0, 0, 0, t.block.linear, t.id, List.of());
        Translation nobodys = t.moved(t.block.detached(), t.pageIds, nowhere);
        nobodys.start = t.start;
        Shared shared = new Shared(nobodys, code, stubs);
        synchronized (known) {
            known.put(t.block.place(), shared);
        }
    }

    /** What can be copied for {@code block}, or null. */
    Shared find(Block block) {
        if (most == 0) {
            return null;
        }
        Shared shared;
        synchronized (known) {
            shared = known.get(block.place());
        }
        return shared != null && shared.isFor(block) ? shared.copy() : null;
    }
}
