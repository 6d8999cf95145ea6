package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Tables of one cluster each (L2 tables, refcount blocks) in memory, the least recently used given up first. It grows
 * over its bound only while an operation is under way: {@link #trim} brings it back. Not for several threads.
 */
final class TableCache {
    /** A table: big-endian words in the file, a plain array here, which also code that is not compiled yet is fast with. */
    static final class Table {
        private final long offset;
        private final long[] words;
        private int dirtyFrom = Integer.MAX_VALUE;
        private int dirtyTo;

        private Table(long offset, int words) {
            this.offset = offset;
            this.words = new long[words];
        }

        long offset() {
            return offset;
        }

        /** How many words it has. */
        int size() {
            return words.length;
        }

        long get(int index) {
            return words[index];
        }

        void set(int index, long word) {
            words[index] = word;
            touched(index, index + 1);
        }

        /** The words, only to look at. */
        long[] words() {
            return words;
        }

        /** Becomes as {@code other} is. */
        void copy(Table other) {
            System.arraycopy(other.words, 0, words, 0, words.length);
            touched(0, words.length);
        }

        private void touched(int from, int to) {
            dirtyFrom = Math.min(dirtyFrom, from);
            dirtyTo = Math.max(dirtyTo, to);
        }

        private boolean dirty() {
            return dirtyTo > 0;
        }
    }

    private static final int MIN_TABLES = 4;

    private final ImageFile file;
    private final int tableWords;
    private final int maxTables;
    /** A table on its way from or to the file. */
    private final MemorySegment bytes;
    private final Map<Long, Table> tables = new LinkedHashMap<>(16, 0.75f, true);

    /** The one asked for last, or null: it is asked for again most of the time. */
    private Table last;

    TableCache(ImageFile file, int tableSize, long maxBytes) {
        this.file = file;
        this.tableWords = tableSize / Long.BYTES;
        this.bytes = Buffers.allocate(tableSize);
        this.maxTables = (int) Math.max(MIN_TABLES, maxBytes / tableSize);
    }

    /** The table at {@code offset} of the file. */
    Table get(long offset) throws IOException {
        if (last != null && last.offset == offset) {
            return last;
        }
        Table table = tables.get(offset);
        if (table == null) {
            table = new Table(offset, tableWords);
            file.read(offset, bytes);
            Be.getLongs(bytes, table.words);
            tables.put(offset, table);
        }
        last = table;
        return table;
    }

    /** A new table of zeroes at {@code offset}, all of it to be written. */
    Table fresh(long offset) {
        Table table = new Table(offset, tableWords);
        table.touched(0, tableWords);
        tables.put(offset, table);
        last = table;
        return table;
    }

    /** Forgets the table at {@code offset}: it is none any more. */
    void drop(long offset) {
        tables.remove(offset);
        last = null;
    }

    /** Forgets all tables, changed ones too. */
    void clear() {
        tables.clear();
        last = null;
    }

    boolean dirty() {
        return tables.values().stream().anyMatch(Table::dirty);
    }

    /** Writes what has changed, in any order. What could not be written stays changed. */
    void write() throws IOException {
        for (Table table : tables.values()) {
            if (table.dirty()) {
                write(table);
            }
        }
    }

    private void write(Table table) throws IOException {
        int count = table.dirtyTo - table.dirtyFrom;
        Be.putLongs(table.words, table.dirtyFrom, count, bytes);
        file.write(table.offset + (long) table.dirtyFrom * Long.BYTES, bytes.asSlice(0, (long) count * Long.BYTES));
        table.dirtyFrom = Integer.MAX_VALUE;
        table.dirtyTo = 0;
    }

    boolean over() {
        return tables.size() > maxTables;
    }

    /** Gives up the least recently used tables over the bound. What has changes that could not be written stays. */
    void trim() {
        last = null;
        Iterator<Table> eldest = tables.values().iterator();
        while (over() && eldest.hasNext()) {
            if (!eldest.next().dirty()) {
                eldest.remove();
            }
        }
    }
}
