package org.jkvm.storage.qcow2;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.Bits;
import org.jkvm.storage.layer.Buffers;

/** A file's first cluster written anew: with another backing file, other extensions, or as another version. */
final class HeaderCluster {
    /** Type and length of an extension; the mark after the last one is as long. */
    private static final int EXTENSION_HEAD = 8;

    private final Header header;
    private final MemorySegment cluster;
    /** The type of extension that {@link #more} replaces. */
    private int changed;
    private Header.Extension more;
    private int start;
    private int at;

    private HeaderCluster(Header header, MemorySegment fixed) {
        this.header = header;
        this.cluster = Buffers.allocate(header.clusterSize());
        this.start = header.headerLength();
        this.at = start;
        cluster.asSlice(0, at).copyFrom(fixed.asSlice(0, at));
    }

    /**
     * The first cluster of the file whose fixed fields are {@code fixed} once the backing file is {@code name}.
     *
     * @param name as written into the image, or null for none
     * @param format its format, or null
     * @throws IOException where it does not fit
     */
    static MemorySegment cluster(Header header, MemorySegment fixed, String name, String format) throws IOException {
        return new HeaderCluster(header, fixed).write(name, format);
    }

    private MemorySegment write(String name, String format) throws IOException {
        for (Header.Extension extension : extensions(name, format)) {
            extension(extension);
        }
        at += EXTENSION_HEAD;
        byte[] bytes = name == null ? new byte[0] : name.getBytes(StandardCharsets.UTF_8);
        if (name != null && (bytes.length == 0 || bytes.length > Header.MAX_BACKING_NAME)) {
            throw new IOException("a backing file's name has 1 to " + Header.MAX_BACKING_NAME + " bytes, not "
                    + bytes.length);
        }
        requireRoom(bytes.length);
        Field.BACKING_FILE_OFFSET.put(cluster, name == null ? 0 : at);
        Field.BACKING_FILE_SIZE.put(cluster, bytes.length);
        cluster.asSlice(at, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
        return cluster;
    }

    /** The same with an extension of {@code type} that is {@code data}, or without one where that is null. */
    static MemorySegment with(Header header, MemorySegment fixed, int type, byte[] data) throws IOException {
        HeaderCluster change = new HeaderCluster(header, fixed);
        change.changed = type;
        change.more = data == null ? null : new Header.Extension(type, data);
        return change.write(header.backingName(), header.backingFormat());
    }

    /** The same as version 3 (qcow2.txt, "Header": what version 2 leaves out has the values that it means). */
    static MemorySegment upgraded(Header header, MemorySegment fixed) throws IOException {
        HeaderCluster change = new HeaderCluster(header, fixed);
        change.start = Header.LENGTH_V3;
        change.at = change.start;
        Field.VERSION.put(change.cluster, 3);
        Field.REFCOUNT_ORDER.put(change.cluster, header.refcountOrder());
        Field.HEADER_LENGTH.put(change.cluster, change.start);
        return change.write(header.backingName(), header.backingFormat());
    }

    /** The same as version 2, of an image that has nothing that this lacks. */
    static MemorySegment downgraded(Header header, MemorySegment fixed) throws IOException {
        HeaderCluster change = new HeaderCluster(header, fixed);
        change.start = Header.LENGTH_V2;
        change.at = change.start;
        change.changed = Features.EXTENSION_FEATURE_NAMES;
        change.cluster.asSlice(change.start).fill((byte) 0);
        Field.VERSION.put(change.cluster, 2);
        return change.write(header.backingName(), header.backingFormat());
    }

    /** All extensions, as many as fit. */
    private List<Header.Extension> extensions(String name, String format) {
        List<Header.Extension> all = new ArrayList<>(header.extensions());
        all.removeIf(e -> e.type() == Features.EXTENSION_BACKING_FORMAT || e.type() == changed);
        if (name != null && format != null) {
            all.addFirst(new Header.Extension(Features.EXTENSION_BACKING_FORMAT, format.getBytes(StandardCharsets.UTF_8)));
        }
        if (more != null) {
            all.add(more);
        }
        if (bytes(all) + nameLength(name) > header.clusterSize()) {
            // Names of features help people only, and only where one is not known.
            all.removeIf(e -> e.type() == Features.EXTENSION_FEATURE_NAMES);
        }
        return all;
    }

    private long bytes(List<Header.Extension> extensions) {
        return start + EXTENSION_HEAD
                + extensions.stream().mapToLong(e -> EXTENSION_HEAD + Bits.alignUp(e.data().length, 8)).sum();
    }

    private static int nameLength(String name) {
        return name == null ? 0 : name.getBytes(StandardCharsets.UTF_8).length;
    }

    private void extension(Header.Extension extension) throws IOException {
        int length = (int) Bits.alignUp(extension.data().length, 8);
        requireRoom(EXTENSION_HEAD + length + EXTENSION_HEAD);
        Be.putInt(cluster, at, extension.type());
        Be.putInt(cluster, at + 4, extension.data().length);
        cluster.asSlice(at + EXTENSION_HEAD, extension.data().length).copyFrom(MemorySegment.ofArray(extension.data()));
        at += EXTENSION_HEAD + length;
    }

    private void requireRoom(int bytes) throws IOException {
        if (bytes > header.clusterSize() - at) {
            throw new IOException("the backing file's name does not fit into the image's first cluster beside what else"
                    + " belongs there");
        }
    }
}
