package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.LongSupplier;
import org.jkvm.base.Bits;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.layer.ImageFile;

/**
 * The dirty bitmaps of an open image (qcow2.txt, "Bitmaps"). Those that record are read when it is opened for writing and
 * marked as in use before anything is written, so that after a crash nobody believes them; {@link #store} writes them when it
 * is closed. In the file a bitmap is switched from its old table to its new one and only then loses the mark.
 *
 * <pre>
 *   clean --open for writing--> in use (bits in memory) --store--> clean
 *                                  |
 *                                  +--crash--> in use: of no use, can only be removed
 * </pre>
 */
final class Qcow2Bitmaps implements Bitmaps {
    /** QEMU's granularity where none is asked for: a cluster, within these bounds. */
    private static final int MIN_DEFAULT = 4096;
    private static final int MAX_DEFAULT = 64 << 10;
    /** What all bitmaps in memory may take. */
    private static final long MAX_BITS = 1L << 29;

    private final ImageFile file;
    private final Header header;
    private final Metadata metadata;
    private final LongSupplier size;
    private final BitmapData data;
    private final boolean readOnly;
    private final List<Bitmap> bitmaps = new ArrayList<>();
    private final List<BitmapEntry> removed = new ArrayList<>();
    private BitmapEntry.Directory directory;
    private boolean newDirectory;
    private volatile boolean recording;

    /** One bitmap; {@code bits} is null where they are in the file only. */
    private static final class Bitmap {
        private BitmapEntry entry;
        private boolean broken;
        private BitSet bits;
        private int count;

        boolean records() {
            return bits != null && entry.has(BitmapEntry.AUTO);
        }
    }

    Qcow2Bitmaps(ImageFile file, Header header, Metadata metadata, LongSupplier size, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
        this.size = size;
        this.readOnly = readOnly;
        this.data = new BitmapData(file, header, metadata);
    }

    /** Reads what is there, and where the image is to be written begins to record. What is damaged counts as stale. */
    void open() throws IOException {
        try {
            directory = BitmapEntry.Directory.of(header);
            if (directory != null) {
                BitmapEntry.read(file, directory).forEach(this::found);
                if (!readOnly) {
                    begin();
                }
            }
        } catch (CorruptException e) {
            bitmaps.clear();
            directory = null;
            if (!readOnly) {
                setValid(false);
            }
        }
    }

    private void found(BitmapEntry entry) {
        Bitmap bitmap = new Bitmap();
        bitmap.entry = entry;
        bitmap.broken = entry.has(BitmapEntry.IN_USE);
        bitmaps.add(bitmap);
    }

    private void begin() throws IOException {
        metadata.protect(directory.offset(), directory.size());
        for (Bitmap bitmap : bitmaps) {
            if (!bitmap.broken) {
                data.protect(bitmap.entry);
            }
        }
        for (Bitmap bitmap : bitmaps) {
            if (bitmap.entry.has(BitmapEntry.AUTO) && !bitmap.broken) {
                load(bitmap);
            }
        }
        markInUse();
    }

    private void load(Bitmap bitmap) throws IOException {
        long others = bitmaps.stream().filter(b -> b.bits != null).mapToLong(b -> b.count).sum();
        bitmap.count = BitmapData.bits(size.getAsLong(), bitmap.entry.granularityBits());
        if (others + bitmap.count > MAX_BITS) {
            throw new CorruptException("the image's bitmaps take too much memory");
        }
        bitmap.bits = data.read(bitmap.entry, bitmap.count);
        recording = true;
    }

    /** What is in memory is not in the file any more. */
    private void markInUse() throws IOException {
        for (Bitmap bitmap : bitmaps) {
            if (bitmap.bits != null && !bitmap.entry.has(BitmapEntry.IN_USE)) {
                bitmap.entry = bitmap.entry.withFlags(bitmap.entry.flags() | BitmapEntry.IN_USE);
                writeFlags(bitmap.entry);
            }
        }
        file.flush();
    }

    private void writeFlags(BitmapEntry entry) throws IOException {
        write(entry, BitmapEntry.FLAGS, Integer.BYTES);
    }

    private void write(BitmapEntry entry, int from, int length) throws IOException {
        file.write(entry.at() + from, MemorySegment.ofArray(entry.bytes()).asSlice(from, length));
    }

    /** The contents of a range change now: from any thread. */
    void changed(long offset, long length) {
        if (recording && length > 0) {
            set(offset, length);
        }
    }

    private synchronized void set(long offset, long length) {
        for (Bitmap bitmap : bitmaps) {
            if (bitmap.records()) {
                int shift = bitmap.entry.granularityBits();
                bitmap.bits.set((int) (offset >>> shift), (int) (offset + length - 1 >>> shift) + 1);
            }
        }
    }

    /** The disk is about to have another size: tables of the old length must not count in the file until they are right. */
    synchronized void prepareResize() throws IOException {
        for (Bitmap bitmap : bitmaps) {
            if (!bitmap.broken && bitmap.bits == null) {
                load(bitmap);
            }
        }
        markInUse();
    }

    /** The disk has {@code newSize} bytes now: what was added has not changed. */
    synchronized void resized(long newSize) throws IOException {
        for (Bitmap bitmap : bitmaps) {
            if (!bitmap.broken) {
                bitmap.count = BitmapData.bits(newSize, bitmap.entry.granularityBits());
                bitmap.bits.clear(bitmap.count, Math.max(bitmap.count, bitmap.bits.length()));
            }
        }
    }

    /** Brings what is in memory to the file; nobody writes to the disk any more. */
    synchronized void store() throws IOException {
        if (newDirectory) {
            storeAll();
        } else if (bitmaps.stream().anyMatch(b -> b.bits != null)) {
            storeInPlace();
        }
        recording = false;
    }

    private void storeInPlace() throws IOException {
        List<BitmapEntry> old = writeData();
        settle();
        for (Bitmap bitmap : loaded()) {
            write(bitmap.entry, BitmapEntry.TABLE_OFFSET, Long.BYTES + Integer.BYTES);
        }
        file.flush();
        for (Bitmap bitmap : loaded()) {
            bitmap.entry = bitmap.entry.withFlags(bitmap.entry.flags() & ~BitmapEntry.IN_USE);
            writeFlags(bitmap.entry);
        }
        file.flush();
        free(old);
    }

    /** Writes a directory anew; while the header's bit is clear none of the bitmaps counts. */
    private void storeAll() throws IOException {
        BitmapEntry.Directory before = directory;
        setValid(false);
        List<BitmapEntry> old = writeData();
        for (Bitmap bitmap : loaded()) {
            bitmap.entry = bitmap.entry.withFlags(bitmap.entry.flags() & ~BitmapEntry.IN_USE);
        }
        directory = bitmaps.isEmpty() ? null : writeDirectory();
        settle();
        byte[] extension = directory == null ? null : directory.extension();
        metadata.changeHeader(h -> h.writeCluster(HeaderCluster.with(HeaderReader.read(file),
                h.start(header.headerLength()), Features.EXTENSION_BITMAPS, extension)));
        setValid(directory != null);
        free(old);
        if (before != null) {
            metadata.free(before.offset(), before.size());
        }
        newDirectory = false;
    }

    private List<Bitmap> loaded() {
        return bitmaps.stream().filter(b -> b.bits != null).toList();
    }

    /** Writes what is in memory to new places; returns the old ones. */
    private List<BitmapEntry> writeData() throws IOException {
        List<BitmapEntry> old = new ArrayList<>(removed);
        removed.clear();
        for (Bitmap bitmap : loaded()) {
            old.add(bitmap.entry);
            bitmap.entry = data.write(bitmap.entry, bitmap.bits, bitmap.count);
        }
        return old;
    }

    private BitmapEntry.Directory writeDirectory() throws IOException {
        int bytes = bitmaps.stream().mapToInt(b -> b.entry.length()).sum();
        long clusters = Bits.alignUp(bytes, header.clusterSize()) >>> header.clusterBits();
        long offset = metadata.change((mapping, refcounts) -> refcounts.allocateMetadata(clusters));
        long at = offset;
        for (Bitmap bitmap : bitmaps) {
            file.write(at, MemorySegment.ofArray(bitmap.entry.bytes()));
            at += bitmap.entry.length();
        }
        return new BitmapEntry.Directory(offset, bytes, bitmaps.size());
    }

    /** New clusters are counted and have their contents before anything refers to them. */
    private void settle() throws IOException {
        metadata.flush();
        file.flush();
    }

    private void free(List<BitmapEntry> entries) throws IOException {
        for (BitmapEntry entry : entries) {
            try {
                data.free(entry);
            } catch (CorruptException _) {
                // One that could not be read, and was removed for that: its clusters stay as leaks for a check to find.
            }
        }
    }

    private void setValid(boolean valid) throws IOException {
        metadata.changeHeader(h -> {
            long others = h.get(Field.AUTOCLEAR_FEATURES) & ~Features.AUTOCLEAR_BITMAPS;
            h.write(Field.AUTOCLEAR_FEATURES, others | (valid ? Features.AUTOCLEAR_BITMAPS : 0));
        });
    }

    @Override
    public synchronized List<ImageInfo.Bitmap> list() {
        return bitmaps.stream().map(b -> new ImageInfo.Bitmap(b.entry.name(), 1L << b.entry.granularityBits(),
                b.entry.has(BitmapEntry.IN_USE), b.entry.has(BitmapEntry.AUTO))).toList();
    }

    @Override
    public synchronized void add(String name, long granularity) throws IOException {
        refuseReadOnly();
        BitmapEntry.checkName(name);
        if (bitmaps.stream().anyMatch(b -> b.entry.name().equals(name))) {
            throw new IOException("there is a bitmap '" + name + "' already");
        }
        if (header.version() < 3) {
            throw new IOException("bitmaps need compat=1.1 (amend -o compat=1.1)");
        }
        long bytes = granularity != 0 ? granularity : Math.clamp(header.clusterSize(), MIN_DEFAULT, MAX_DEFAULT);
        if (!Bits.isPowerOfTwo(bytes) || bytes < MIN_GRANULARITY || bytes > MAX_GRANULARITY) {
            throw new IOException("granularity " + bytes + ": a power of two from 512 to 2G is allowed");
        }
        int bits = Long.numberOfTrailingZeros(bytes);
        Bitmap bitmap = new Bitmap();
        bitmap.entry = new BitmapEntry(0, 0, 0, BitmapEntry.AUTO, bits, name, new byte[0]);
        bitmap.count = BitmapData.bits(size.getAsLong(), bits);
        bitmap.bits = new BitSet();
        bitmaps.add(bitmap);
        recording = true;
        newDirectory = true;
    }

    @Override
    public synchronized void remove(String name) throws IOException {
        refuseReadOnly();
        Bitmap bitmap = find(name);
        bitmaps.remove(bitmap);
        removed.add(bitmap.entry);
        newDirectory = true;
    }

    /** Removes all, in the file too. */
    synchronized void removeAll() throws IOException {
        if (!bitmaps.isEmpty()) {
            bitmaps.forEach(bitmap -> removed.add(bitmap.entry));
            bitmaps.clear();
            storeAll();
            recording = false;
        }
    }

    @Override
    public synchronized void clear(String name) throws IOException {
        refuseReadOnly();
        usable(name).bits.clear();
    }

    @Override
    public synchronized void setEnabled(String name, boolean enabled) throws IOException {
        refuseReadOnly();
        Bitmap bitmap = usable(name);
        int others = bitmap.entry.flags() & ~BitmapEntry.AUTO;
        bitmap.entry = bitmap.entry.withFlags(others | (enabled ? BitmapEntry.AUTO : 0));
    }

    @Override
    public synchronized void merge(String name, Contents other) throws IOException {
        refuseReadOnly();
        Bitmap bitmap = usable(name);
        int shift = bitmap.entry.granularityBits();
        long unit = other.granularity();
        for (int bit = other.bits().nextSetBit(0); bit >= 0; bit = other.bits().nextSetBit(bit + 1)) {
            long end = Math.min(size.getAsLong(), (bit + 1L) * unit);
            if (bit * unit < end) {
                bitmap.bits.set((int) (bit * unit >>> shift), (int) (end - 1 >>> shift) + 1);
            }
        }
    }

    @Override
    public synchronized Contents contents(String name) throws IOException {
        Bitmap bitmap = usable(name);
        return new Contents(1L << bitmap.entry.granularityBits(), (BitSet) bitmap.bits.clone());
    }

    private void refuseReadOnly() throws IOException {
        if (readOnly) {
            throw new IOException("the image is open read-only: its bitmaps cannot be changed");
        }
    }

    private Bitmap find(String name) throws IOException {
        return bitmaps.stream().filter(b -> b.entry.name().equals(name)).findFirst().orElseThrow(() ->
                new IOException("there is no bitmap '" + name + "'"));
    }

    /** A bitmap with its bits in memory; in an image that is written to they are then this process's. */
    private Bitmap usable(String name) throws IOException {
        Bitmap bitmap = find(name);
        if (bitmap.broken) {
            throw new IOException("bitmap '" + name + "' was not closed properly: it can only be removed");
        }
        if (bitmap.bits == null) {
            load(bitmap);
            if (!readOnly && !newDirectory) {
                markInUse();
            }
        }
        return bitmap;
    }
}
