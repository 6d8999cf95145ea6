package org.jkvm.storage.blocks;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.storage.layer.ImageFile;

/**
 * Tables in an image file, a few pages of them in memory: the least recently used are given up first, those that have
 * changed stay until {@link #write}. Entries do not cross pages. Not for several threads.
 */
public final class Pages {
    private static final int PAGE = 4096;
    private static final int MAX_PAGES = 4096;

    private static final class Page {
        private final ByteBuffer data;
        private int dirtyFrom = PAGE;
        private int dirtyTo;

        Page(ByteBuffer data) {
            this.data = data;
        }

        boolean dirty() {
            return dirtyTo > dirtyFrom;
        }

        void touched(int from, int to) {
            dirtyFrom = Math.min(dirtyFrom, from);
            dirtyTo = Math.max(dirtyTo, to);
        }
    }

    private final ImageFile file;
    private final ByteOrder order;
    private final Map<Long, Page> pages = new LinkedHashMap<>(16, 0.75f, true);

    /** Tables in {@code file} whose numbers are in {@code order}. */
    public Pages(ImageFile file, ByteOrder order) {
        this.file = file;
        this.order = order;
    }

    /** Four bytes at {@code offset}, zero-extended. */
    public long getInt(long offset) throws IOException {
        return Integer.toUnsignedLong(page(offset).data.getInt((int) (offset % PAGE)));
    }

    /** Eight bytes at {@code offset}. */
    public long getLong(long offset) throws IOException {
        return page(offset).data.getLong((int) (offset % PAGE));
    }

    /** Sets four bytes at {@code offset}. */
    public void putInt(long offset, long value) throws IOException {
        int at = (int) (offset % PAGE);
        Page page = page(offset);
        page.data.putInt(at, (int) value);
        page.touched(at, at + Integer.BYTES);
    }

    /** Sets eight bytes at {@code offset}. */
    public void putLong(long offset, long value) throws IOException {
        int at = (int) (offset % PAGE);
        Page page = page(offset);
        page.data.putLong(at, value);
        page.touched(at, at + Long.BYTES);
    }

    /** Whether {@link #write} has something to do. */
    public boolean dirty() {
        return pages.values().stream().anyMatch(Page::dirty);
    }

    /** Writes what has changed. */
    public void write() throws IOException {
        for (Map.Entry<Long, Page> entry : pages.entrySet()) {
            Page page = entry.getValue();
            if (page.dirty()) {
                file.write(entry.getKey() * PAGE + page.dirtyFrom,
                        MemorySegment.ofArray(page.data.array()).asSlice(page.dirtyFrom, page.dirtyTo - page.dirtyFrom));
                page.dirtyFrom = PAGE;
                page.dirtyTo = 0;
            }
        }
    }

    private Page page(long offset) throws IOException {
        Page page = pages.get(offset / PAGE);
        if (page == null) {
            trim();
            byte[] bytes = new byte[PAGE];
            file.read(offset / PAGE * PAGE, MemorySegment.ofArray(bytes));
            page = new Page(ByteBuffer.wrap(bytes).order(order));
            pages.put(offset / PAGE, page);
        }
        return page;
    }

    private void trim() {
        Iterator<Page> eldest = pages.values().iterator();
        while (pages.size() >= MAX_PAGES && eldest.hasNext()) {
            if (!eldest.next().dirty()) {
                eldest.remove();
            }
        }
    }
}
