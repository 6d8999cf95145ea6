package org.jkvm.x86.translate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/** Translations by their numbers, which are given again when what had them is gone. */
final class Translations {
    private final List<Translation> byId = new ArrayList<>();
    private final Deque<Integer> free = new ArrayDeque<>();

    /** The number that the next one is to have; it is taken by {@link #add}. */
    int nextId() {
        return free.isEmpty() ? byId.size() : free.peek();
    }

    void add(Translation t) {
        if (t.id == byId.size()) {
            byId.add(t);
        } else {
            byId.set(t.id, t);
            free.pop();
        }
    }

    void remove(Translation t) {
        byId.set(t.id, null);
        free.push(t.id);
    }

    Translation get(int id) {
        return byId.get(id);
    }

    /** Names each of them; {@code action} may remove it. */
    void forEach(Consumer<Translation> action) {
        for (int id = 0; id < byId.size(); id++) {
            Translation t = byId.get(id);
            if (t != null) {
                action.accept(t);
            }
        }
    }
}
