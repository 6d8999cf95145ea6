package org.jkvm.storage.blocks;

import java.io.IOException;
import java.util.Arrays;

/**
 * Looks for tables of a second level that lie over one another. Only a damaged or hostile image has such: a small file can
 * then have any number of blocks, and to look at each of them takes minutes.
 */
public final class SharedTables {
    /** As many as 64 TiB have where a table is for 16 MiB: 32 MiB of numbers. */
    private static final long MAX_TABLES = 1L << 22;

    private SharedTables() {
    }

    /** Where the table for a block is. */
    @FunctionalInterface
    public interface Finder {
        /** The offset in the file of the table for block {@code index}, 0 for none. */
        long tableOf(long index) throws IOException;
    }

    /**
     * Throws where two tables lie over one another.
     *
     * @param format the format's name in messages
     * @param blocks how many blocks the disk has
     * @param perTable how many of them one table is for
     * @param tableBytes how long a table is
     */
    public static void refuse(String format, long blocks, long perTable, long tableBytes, Finder finder)
            throws IOException {
        long count = Math.ceilDiv(blocks, perTable);
        if (count > MAX_TABLES) {
            throw new IOException("the " + format + " image has " + count + " tables, too many to be checked");
        }
        long[] tables = new long[(int) count];
        for (int i = 0; i < count; i++) {
            tables[i] = finder.tableOf(i * perTable);
        }
        Arrays.sort(tables);
        for (int i = 1; i < count; i++) {
            if (tables[i - 1] > 0 && tables[i] - tables[i - 1] < tableBytes) {
                throw new IOException("corrupt " + format + " image: two tables share the place at 0x"
                        + Long.toHexString(tables[i]));
            }
        }
    }
}
