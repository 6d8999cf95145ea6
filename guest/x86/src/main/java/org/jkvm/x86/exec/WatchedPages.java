package org.jkvm.x86.exec;

import java.util.function.LongConsumer;

/**
 * The pages that blocks were decoded from, by guest physical address, in the order in which they are looked at when room is needed.
 * One thread.
 */
final class WatchedPages {
    private static final int SLOTS = 1 << 13;

    private final LongMap<CodePage> byAddress = new LongMap<>(SLOTS);
    /** Before the first and behind the last. */
    private final CodePage ends = new CodePage(-1);
    private CodePage last = ends;

    /** The page at {@code address}, a multiple of 4096, or null. */
    CodePage get(long address) {
        if (last.address == address) { // Most are asked for several times in a row.
            return last;
        }
        CodePage page = byAddress.get(address);
        if (page != null) {
            last = page;
        }
        return page;
    }

    /** Adds a page that is not there, as the last one. */
    CodePage add(long address) {
        CodePage page = new CodePage(address);
        byAddress.put(address, page);
        page.insertBefore(ends);
        return page;
    }

    void remove(CodePage page) {
        byAddress.remove(page.address);
        page.takeOut();
        last = ends;
    }

    /** The one whose turn it is, or null where there is none. */
    CodePage first() {
        return ends.next() == ends ? null : ends.next();
    }

    /** Makes {@code page} the last one. */
    void putLast(CodePage page) {
        page.takeOut();
        page.insertBefore(ends);
    }

    void forEachAddress(LongConsumer action) {
        for (CodePage page = ends.next(); page != ends; page = page.next()) {
            action.accept(page.address);
        }
    }

    void clear() {
        byAddress.clear();
        while (first() != null) {
            first().takeOut();
        }
        last = ends;
    }
}
