package org.jkvm.storage.qcow2;

import java.io.IOException;
import org.jkvm.storage.layer.Buffers;
import org.jkvm.storage.layer.ImageFile;

/**
 * Which host clusters are in use (qcow2.txt, "Host cluster management"), and the allocation of new ones. Counts go up at
 * once in memory; they go down only in {@link #applyFrees}, when nothing on stable storage refers to the cluster any
 * more, so that a crash can leak clusters and never give one to two owners. Guarded by {@link Metadata}'s lock.
 */
final class Refcounts {
    /** Offsets of host clusters have 56 bits (L2 entry, bits 9 to 55). */
    private static final int OFFSET_BITS = 56;
    private static final long CACHE_BYTES = 8 << 20;

    private final ImageFile file;
    private final HeaderFields header;
    private final int clusterBits;
    private final RefcountWidth width;
    private final int perBlock;
    private final PointerTable table;
    private final TableCache blocks;
    /** Numbers of host clusters that hold metadata: guest data must not get there. */
    private final Places metadata;
    private final Runs freed = new Runs();
    /** End of the last allocation by bytes: the rest of its host cluster is to be had. On a boundary: there is none. */
    private long packedEnd;
    /** No cluster below this number is free. */
    private long hint = 1;

    Refcounts(ImageFile file, Header h, HeaderFields header, Places metadata) throws IOException {
        this.file = file;
        this.header = header;
        this.clusterBits = h.clusterBits();
        this.width = new RefcountWidth(h.refcountOrder());
        this.perBlock = width.perBlock(h.clusterSize());
        this.table = new PointerTable(file, h.refcountTableOffset(), tableEntries(h.refcountTableClusters()));
        this.blocks = new TableCache(file, h.clusterSize(), CACHE_BYTES);
        this.metadata = metadata;
        register();
    }

    private int tableEntries(long clusters) {
        return (int) (clusters << clusterBits >>> 3);
    }

    private int tableClusters() {
        return (int) ((long) table.size() * Long.BYTES >>> clusterBits);
    }

    private void register() {
        registerRun(table.offset() >>> clusterBits, tableClusters());
        int used = table.used();
        for (int i = 0; i < used; i++) {
            if (table.get(i) != 0) {
                metadata.add(table.get(i) >>> clusterBits);
            }
        }
    }

    private void registerRun(long first, long count) {
        metadata.add(first, first + count);
    }

    /** The count of host cluster {@code cluster}. */
    long get(long cluster) throws IOException {
        long index = cluster / perBlock;
        if (index >= table.size() || table.get(index) == 0) {
            return 0;
        }
        return width.get(block(index).words(), (int) (cluster % perBlock));
    }

    /** The words of refcount block {@code index}, which is there. */
    long[] words(long index) throws IOException {
        return block(index).words();
    }

    private TableCache.Table block(long index) throws IOException {
        long offset = table.get(index);
        if ((offset & (1L << clusterBits) - 1) != 0 || offset < 0 || offset >= file.size() || offset == 0) {
            throw new CorruptException("refcount block " + index + " at offset 0x" + Long.toHexString(offset)
                    + ", which is no cluster of the file");
        }
        return blocks.get(offset);
    }

    private void set(long cluster, long count) throws IOException {
        TableCache.Table block = block(cluster / perBlock);
        int index = (int) (cluster % perBlock);
        int word = width.wordOf(index);
        block.set(word, width.with(block.get(word), index, count));
    }

    /** Allocates one to {@code most} host clusters that follow one another, for guest data. */
    Runs.Run allocate(long most) throws IOException {
        while (true) {
            long first = firstFree(hint);
            long count = freeFrom(first, most);
            if (blocksExist(first, count)) {
                take(first, count);
                hint = first + count;
                return new Runs.Run(first, count, true);
            }
        }
    }

    /** Allocates {@code length} bytes, at most a cluster, next to those allocated before; returns their offset. */
    long allocateBytes(int length) throws IOException {
        long cluster = packedEnd >>> clusterBits;
        long room = -packedEnd & (1L << clusterBits) - 1;
        boolean shares = room > 0 && get(cluster) < width.max();
        long next = shares && length <= room ? cluster : allocate(1).first();
        if (shares && next - cluster <= 1) {
            set(cluster, get(cluster) + 1);
        } else {
            packedEnd = next << clusterBits;
        }
        long at = packedEnd;
        packedEnd += length;
        return at;
    }

    /** Allocates {@code count} clusters that follow one another, for metadata; returns the first one's offset. */
    long allocateMetadata(long count) throws IOException {
        long first = hint;
        while (true) {
            first = firstFree(first);
            long free = freeFrom(first, count);
            if (free < count) {
                first += free;
            } else if (blocksExist(first, count)) {
                take(first, count);
                registerRun(first, count);
                reserve(first, count);
                return first << clusterBits;
            }
        }
    }

    private void take(long first, long count) throws IOException {
        for (long c = first; c < first + count; c++) {
            if (metadata.contains(c)) {
                throw new CorruptException("metadata at offset 0x" + Long.toHexString(c << clusterBits) + " counts as free");
            }
        }
        for (long c = first; c < first + count; c++) {
            set(c, 1);
        }
    }

    private long freeFrom(long first, long most) throws IOException {
        long count = 1;
        while (count < most && get(first + count) == 0) {
            count++;
        }
        return count;
    }

    private long firstFree(long from) throws IOException {
        long cluster = from;
        while (get(cluster) != 0) {
            cluster++;
        }
        if (cluster >= 1L << OFFSET_BITS - clusterBits - 1) {
            throw new IOException("the image file cannot grow any more");
        }
        return cluster;
    }

    /** Whether clusters have refcount blocks; where one lacked, it now exists, and may lie in these very clusters. */
    private boolean blocksExist(long first, long count) throws IOException {
        for (long index = first / perBlock; index <= (first + count - 1) / perBlock; index++) {
            if (index >= table.size()) {
                growTable(index);
                return false;
            }
            if (table.get(index) == 0) {
                addBlock(index);
                return false;
            }
        }
        return true;
    }

    /** Makes refcount block {@code index}; where it lies in a part of the file that it counts itself, it does so. */
    private void addBlock(long index) throws IOException {
        long cluster = firstFree(hint);
        long own = cluster / perBlock;
        if (own != index && !blocksExist(cluster, 1)) {
            addBlockIfMissing(index);
            return;
        }
        Buffers.writeZeroes(file, cluster << clusterBits, 1L << clusterBits);
        table.set(index, blocks.fresh(cluster << clusterBits).offset());
        take(cluster, 1);
        metadata.add(cluster);
    }

    private void addBlockIfMissing(long index) throws IOException {
        if (table.get(index) == 0) {
            addBlock(index);
        }
    }

    /** Takes the clusters' place on the host's disk now, so that a full disk is noticed before they are in use. */
    private void reserve(long first, long count) throws IOException {
        try {
            Buffers.writeZeroes(file, first << clusterBits, count << clusterBits);
        } catch (IOException e) {
            for (long c = first; c < first + count; c++) {
                releaseMetadata(c << clusterBits);
            }
            throw e;
        }
    }

    private void growTable(long index) throws IOException {
        int oldSize = table.size();
        int oldClusters = tableClusters();
        long oldFirst = table.offset() >>> clusterBits;
        long most = Header.MAX_REFCOUNT_TABLE_BYTES >>> clusterBits;
        long clusters = Math.min(most, (Math.max(index, oldSize + oldSize / 2) * Long.BYTES >>> clusterBits) + 2);
        if (index >= tableEntries(clusters)) {
            throw new IOException("the image file cannot grow any more: its refcount table is full");
        }
        table.resize(tableEntries(clusters));
        try {
            table.moveTo(allocateMetadata(clusters));
        } catch (IOException e) {
            undoGrowth(oldSize);
            throw e;
        }
        freed.add(oldFirst, oldClusters, false);
    }

    private void undoGrowth(int oldSize) {
        for (int i = oldSize; i < table.size(); i++) {
            blocks.drop(table.get(i));
        }
        table.resize(oldSize);
    }

    /** Gives back at once what {@link #allocate} returned and nothing refers to. */
    void release(Runs.Run run) throws IOException {
        for (long c = run.first(); c < run.first() + run.count(); c++) {
            decrement(c);
        }
    }

    /** Gives back one cluster of metadata that nothing refers to yet. */
    void releaseMetadata(long offset) throws IOException {
        metadata.remove(offset >>> clusterBits);
        decrement(offset >>> clusterBits);
    }

    /**
     * Counts one more reference to a cluster that is in use.
     *
     * @throws IOException where the count cannot get higher; nothing was changed then
     */
    void increment(long cluster) throws IOException {
        long count = get(cluster);
        if (count == 0) {
            throw new CorruptException("cluster at 0x" + Long.toHexString(cluster << clusterBits)
                    + " is in use and counts as free");
        }
        if (count >= width.max()) {
            throw new IOException("reference counts of " + width.bits() + " bits have no room for one more snapshot");
        }
        set(cluster, count + 1);
    }

    /** Lowers the count of clusters by one once nothing on stable storage refers to them. */
    void freeLater(long first, long count, boolean data) {
        freed.add(first, count, data);
    }

    /** How many runs wait for {@link #applyFrees}. */
    int waiting() {
        return freed.size();
    }

    /**
     * Lowers the counts. The caller has made sure that what unlinked the clusters is on stable storage: lower counts may be
     * written at any time.
     */
    void applyFrees(boolean unmap) throws IOException {
        for (Runs.Run run : freed.take()) {
            if (blocks.over()) {
                write();
                blocks.trim();
            }
            for (long c = run.first(); c < run.first() + run.count(); c++) {
                boolean free = decrement(c) == 0;
                if (free && !run.data()) {
                    metadata.remove(c);
                    blocks.drop(c << clusterBits);
                }
            }
            if (unmap && run.data()) {
                punch(run);
            }
        }
    }

    /** Gives a run's storage back to the host as far as nobody else refers to it. */
    private void punch(Runs.Run run) throws IOException {
        long from = run.first();
        long end = run.first() + run.count();
        while (from < end) {
            long to = from;
            while (to < end && get(to) == 0) {
                to++;
            }
            if (to > from) {
                punch(from << clusterBits, to - from << clusterBits);
            }
            from = to + 1;
        }
    }

    private void punch(long offset, long length) {
        try {
            file.punch(offset, length);
        } catch (IOException _) {
            // A hint that the host cannot take: the clusters are free all the same.
        }
    }

    private long decrement(long cluster) throws IOException {
        long count = get(cluster);
        if (count == 0) {
            throw new CorruptException("cluster at 0x" + Long.toHexString(cluster << clusterBits)
                    + " is in use and counts as free");
        }
        set(cluster, count - 1);
        if (count == 1) {
            packedEnd = cluster == packedEnd >>> clusterBits ? 0 : packedEnd;
            hint = Math.min(hint, cluster);
        }
        return count - 1;
    }

    boolean dirty() {
        return table.dirty() || blocks.dirty();
    }

    /** Writes blocks, then the table that points to them, then the header that points to the table. */
    void write() throws IOException {
        blocks.write();
        if (table.dirty()) {
            file.flush();
            table.write();
        }
        if (table.moved()) {
            file.flush();
            header.writeRefcountTable(table.offset(), tableClusters());
            table.settled();
        }
    }

    /** Whether the cache has more than its bound. */
    boolean over() {
        return blocks.over();
    }

    void trim() {
        blocks.trim();
    }

    RefcountWidth width() {
        return width;
    }

    PointerTable table() {
        return table;
    }

    /**
     * Sets a count, whatever it was, for repairs. {@code end} is a cluster number that nothing in the image reaches:
     * missing blocks are made from there on.
     */
    void repair(long cluster, long count, long end) throws IOException {
        hint = Math.max(hint, end);
        long index = cluster / perBlock;
        while (index >= table.size() || table.get(index) == 0) {
            blocksExist(cluster, 1);
        }
        set(cluster, count);
    }
}
