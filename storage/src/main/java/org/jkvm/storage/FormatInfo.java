package org.jkvm.storage;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.storage.nbd.NbdAddress;

/** What only images of one format say about themselves. */
public sealed interface FormatInfo {
    /** The format's name. */
    String type();

    /** Whether the disk's contents can only be read with a passphrase. */
    default boolean encrypted() {
        return false;
    }

    /**
     * All of it by the names of QEMU's block-core.json, in the order in which qemu-img lists it: strings, numbers, booleans,
     * lists and such maps. Text and JSON show nothing else.
     */
    Map<String, Object> tree();

    /**
     * What only qcow2 has; {@code compat} is {@code "0.10"} (version 2) or {@code "1.1"} (version 3).
     *
     * @param dataFile the external data file as written in the image, or null
     * @param encryption what the disk is encrypted with, or null
     * @param bitmaps dirty bitmaps
     */
    record Qcow2(String compat, String compressionType, boolean lazyRefcounts, int refcountBits, boolean corrupt,
            boolean extendedL2, String dataFile, boolean dataFileRaw, Luks encryption, List<ImageInfo.Bitmap> bitmaps)
            implements FormatInfo {
        @Override
        public String type() {
            return "qcow2";
        }

        /** Whether the image has what came with version 3: feature bits, bitmaps, zero clusters. */
        public boolean version3() {
            return !compat.equals("0.10");
        }

        @Override
        public boolean encrypted() {
            return encryption != null;
        }

        @Override
        public Map<String, Object> tree() {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("compat", compat);
            tree.put("compression-type", compressionType);
            if (version3()) {
                tree.put("lazy-refcounts", lazyRefcounts);
            }
            if (!bitmaps.isEmpty()) {
                tree.put("bitmaps", bitmaps.stream().map(Qcow2::bitmap).toList());
            }
            tree.put("refcount-bits", refcountBits);
            if (dataFile != null) {
                tree.put("data-file", dataFile);
                tree.put("data-file-raw", dataFileRaw);
            }
            if (encryption != null) {
                tree.put("encrypt", encryption.tree(true));
            }
            if (version3()) {
                tree.put("corrupt", corrupt);
                tree.put("extended-l2", extendedL2);
            }
            return tree;
        }

        private static Map<String, Object> bitmap(ImageInfo.Bitmap bitmap) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("flags", bitmap.flags());
            tree.put("name", bitmap.name());
            tree.put("granularity", bitmap.granularity());
            return tree;
        }
    }

    /**
     * What a LUKS header says (LUKS On-Disk Format Specification 1.2.3, "The partition header").
     *
     * @param cipher with the key's length: {@code "aes-256"}
     * @param slots all eight key slots
     * @param payloadOffset bytes from the header's start to the first encrypted one; for qcow2, that the header stands for
     * @param masterKeyIterations rounds that the check of the disk's key takes
     */
    record Luks(String cipher, String mode, String iv, String hash, String uuid, List<Slot> slots, long payloadOffset,
            long masterKeyIterations) implements FormatInfo {
        /**
         * A place for a passphrase.
         *
         * @param active whether there is one
         * @param iterations rounds that its check takes
         * @param offset where its key material is, in bytes from the header's start
         * @param stripes how often the key's length that is
         */
        public record Slot(boolean active, long iterations, long offset, long stripes) {
            private Map<String, Object> tree() {
                Map<String, Object> tree = new LinkedHashMap<>();
                tree.put("active", active);
                if (active) {
                    tree.put("iters", iterations);
                }
                tree.put("key-offset", offset);
                if (active) {
                    tree.put("stripes", stripes);
                }
                return tree;
            }
        }

        @Override
        public String type() {
            return "luks";
        }

        @Override
        public boolean encrypted() {
            return true;
        }

        @Override
        public Map<String, Object> tree() {
            return tree(false);
        }

        /** The same; {@code within} another format, where it says that it is LUKS. */
        private Map<String, Object> tree(boolean within) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("ivgen-alg", iv);
            tree.put("hash-alg", hash);
            tree.put("cipher-alg", cipher);
            tree.put("uuid", uuid);
            if (within) {
                tree.put("format", type());
            }
            tree.put("cipher-mode", mode);
            tree.put("slots", slots.stream().map(Slot::tree).toList());
            tree.put("payload-offset", payloadOffset);
            tree.put("master-key-iters", masterKeyIterations);
            return tree;
        }
    }

    /**
     * What a VMDK descriptor says (VMware, Virtual Disk Format 5.0, "The Descriptor File").
     *
     * @param contentId changes when the disk does; 0 where none is said
     * @param parentId what the parent's was when this disk was made; 0xffffffff where there is no parent
     * @param createType what kind of disk it is, {@code "monolithicSparse"}
     * @param extents the parts that lie in files, in order
     */
    record Vmdk(long contentId, long parentId, String createType, List<Extent> extents) implements FormatInfo {
        /**
         * A part.
         *
         * @param compressed whether its grains are packed
         * @param size bytes of the disk in it
         * @param grain bytes in a grain, 0 where it has none
         * @param type as its descriptor says; empty where the descriptor is in the same file
         */
        public record Extent(boolean compressed, long size, Path file, long grain, String type) {
            private Map<String, Object> tree() {
                Map<String, Object> tree = new LinkedHashMap<>();
                if (compressed) {
                    tree.put("compressed", true);
                }
                tree.put("virtual-size", size);
                tree.put("filename", NbdAddress.readable(file.toString()));
                if (grain > 0) {
                    tree.put("cluster-size", grain);
                }
                tree.put("format", type);
                return tree;
            }
        }

        @Override
        public String type() {
            return "vmdk";
        }

        @Override
        public Map<String, Object> tree() {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("cid", contentId);
            tree.put("parent-cid", parentId);
            tree.put("create-type", createType);
            tree.put("extents", extents.stream().map(Extent::tree).toList());
            return tree;
        }
    }
}
