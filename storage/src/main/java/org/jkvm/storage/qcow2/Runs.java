package org.jkvm.storage.qcow2;

import java.util.ArrayList;
import java.util.List;

/** Host clusters to be freed later, as runs: neighbours that come one after another become one run. */
final class Runs {
    /** {@code count} clusters from number {@code first}; {@code data} says that they held guest data. */
    record Run(long first, long count, boolean data) {
    }

    private List<Run> runs = new ArrayList<>();

    void add(long first, long count, boolean data) {
        if (!runs.isEmpty()) {
            Run last = runs.getLast();
            if (last.first() + last.count() == first && last.data() == data) {
                runs.set(runs.size() - 1, new Run(last.first(), last.count() + count, data));
                return;
            }
        }
        runs.add(new Run(first, count, data));
    }

    int size() {
        return runs.size();
    }

    /** Empties this and returns what was in it. */
    List<Run> take() {
        List<Run> taken = runs;
        runs = new ArrayList<>();
        return taken;
    }
}
