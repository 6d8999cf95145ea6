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
    /** A table; {@code data} changes only through code that calls {@link #touched}. */
    static final class Table {
        private final long offset;
        private final MemorySegment data;
        private long dirtyFrom = Long.MAX_VALUE;
        private long dirtyTo;

        private Table(long offset, int size) {
            this.offset = offset;
            this.data = Buffers.allocate(size);
        }

        long offset() {
            return offset;
        }

        MemorySegment data() {
            return data;
        }

        /** Bytes {@code from} up to but not {@code to} have changed. */
        void touched(long from, long to) {
            dirtyFrom = Math.min(dirtyFrom, from);
            dirtyTo = Math.max(dirtyTo, to);
        }

        private boolean dirty() {
            return dirtyTo > 0;
        }

        private void write(ImageFile file) throws IOException {
            file.write(offset + dirtyFrom, data.asSlice(dirtyFrom, dirtyTo - dirtyFrom));
            dirtyFrom = Long.MAX_VALUE;
            dirtyTo = 0;
        }
    }

    private static final int MIN_TABLES = 4;

    private final ImageFile file;
    private final int tableSize;
    private final int maxTables;
    private final Map<Long, Table> tables = new LinkedHashMap<>(16, 0.75f, true);

    /** The one asked for last, or null: it is asked for again most of the time. */
    private Table last;

    TableCache(ImageFile file, int tableSize, long maxBytes) {
        this.file = file;
        this.tableSize = tableSize;
        this.maxTables = (int) Math.max(MIN_TABLES, maxBytes / tableSize);
    }

    /** The table at {@code offset} of the file. */
    Table get(long offset) throws IOException {
        if (last != null && last.offset == offset) {
            return last;
        }
        Table table = tables.get(offset);
        if (table == null) {
            table = new Table(offset, tableSize);
            file.read(offset, table.data());
            tables.put(offset, table);
        }
        last = table;
        return table;
    }

    /** A new table of zeroes at {@code offset}, all of it to be written. */
    Table fresh(long offset) {
        Table table = new Table(offset, tableSize);
        table.touched(0, tableSize);
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
                table.write(file);
            }
        }
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
