package org.jkvm.storage;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.storage.CreateOptions.Preallocation;

/**
 * An image format with some of its options, in our words and in qemu-img's.
 *
 * @param title what it is called in the table
 * @param made how it is made here; the size is not looked at
 * @param options qemu-img's {@code -o}, or the empty string
 * @param checked whether qemu-img can check it
 * @param changed whether qemu-img can write to it in place
 */
record Variant(String title, CreateOptions made, String options, boolean checked, boolean changed) {
    static final Secret SECRET = new Secret("correct horse".getBytes());

    static List<Variant> all() {
        List<Variant> all = new ArrayList<>();
        all.add(new Variant("raw", CreateOptions.of("raw", 0), "", false, true));
        qcow2(all);
        for (String options : List.of("extended_l2=on", "extended_l2=on,cluster_size=16k", "data_file=outside.data",
                "data_file=outside.data,data_file_raw=on", "data_file=outside.data,extended_l2=on")) {
            all.add(new Variant("qcow2, " + options, more("qcow2", options), options, true, true));
        }
        all.add(encrypted("qcow2", "encrypt.", "encrypt.format=luks,"));
        all.add(encrypted("luks", "", ""));
        more(all, "vmdk", true, "subformat=monolithicSparse", "subformat=monolithicFlat", "subformat=twoGbMaxExtentSparse",
                "subformat=twoGbMaxExtentFlat");
        all.add(new Variant("vmdk, subformat=streamOptimized", more("vmdk", "subformat=streamOptimized"),
                "subformat=streamOptimized", true, false));
        more(all, "vdi", true, "", "static=on");
        more(all, "vhdx", true, "", "subformat=fixed", "block_size=1M");
        more(all, "vpc", false, "force_size=on", "subformat=fixed,force_size=on");
        more(all, "parallels", true, "", "cluster_size=64k");
        more(all, "qed", true, "", "cluster_size=32k,table_size=2");
        return all;
    }

    private static void qcow2(List<Variant> all) {
        all.add(qcow2("compat=0.10", 65536, 2, 16));
        all.add(qcow2("cluster_size=65536", 65536, 3, 16));
        all.add(qcow2("cluster_size=512,refcount_bits=1", 512, 3, 1));
        all.add(qcow2("cluster_size=4096,refcount_bits=2", 4096, 3, 2));
        all.add(qcow2("refcount_bits=4", 65536, 3, 4));
        all.add(qcow2("refcount_bits=8", 65536, 3, 8));
        all.add(qcow2("refcount_bits=32", 65536, 3, 32));
        all.add(qcow2("cluster_size=2097152,refcount_bits=64", 2 << 20, 3, 64));
        all.add(new Variant("qcow2, lazy_refcounts=on", new CreateOptions("qcow2", 0, Preallocation.OFF, 65536, 3, 16, true,
                false, null, null), "lazy_refcounts=on", true, true));
        for (Preallocation p : List.of(Preallocation.METADATA, Preallocation.FALLOC, Preallocation.FULL)) {
            String option = "preallocation=" + p.name().toLowerCase();
            all.add(new Variant("qcow2, " + option, new CreateOptions("qcow2", 0, p, 65536, 3, 16, false, false, null, null),
                    option, true, true));
        }
    }

    private static Variant qcow2(String options, int clusterSize, int version, int refcountBits) {
        return new Variant("qcow2, " + options, new CreateOptions("qcow2", 0, Preallocation.OFF, clusterSize, version,
                refcountBits, false, false, null, null), options, true, true);
    }

    private static void more(List<Variant> all, String format, boolean checked, String... options) {
        for (String o : options) {
            all.add(new Variant(o.isEmpty() ? format : format + ", " + o, more(format, o), o, checked, true));
        }
    }

    private static Variant encrypted(String format, String prefix, String first) {
        CreateOptions made = more(format, first + prefix + "iter-time=10").withSecret(SECRET);
        // What was never written to a luks image reads as anything: all of it is written.
        Preallocation written = format.equals("luks") ? Preallocation.FULL : Preallocation.OFF;
        CreateOptions all = new CreateOptions(format, 0, written, 65536, 3, 16, false, false, null, null, made.more(),
                SECRET);
        return new Variant(format.equals("luks") ? format : format + ", encrypt.format=luks", all,
                first + prefix + "iter-time=200," + prefix + "key-secret=key", !format.equals("luks"), true);
    }

    private static CreateOptions more(String format, String options) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String pair : options.isEmpty() ? new String[0] : options.split(",")) {
            values.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        int cluster = format.equals("qcow2") && values.remove("cluster_size") != null ? 1 << 14 : 1 << 16;
        return new CreateOptions(format, 0, Preallocation.OFF, cluster, 3, 16, false, false, null, null).withMore(values);
    }

    String format() {
        return made.format();
    }

    CreateOptions made(long size) {
        return new CreateOptions(made.format(), size, made.preallocation(), made.clusterSize(), made.version(),
                made.refcountBits(), made.lazyRefcounts(), made.zstd(), made.backingFile(), made.backingFormat(),
                made.more(),
                made.secret());
    }

    /** How it is opened here. */
    OpenOptions opened() {
        return OpenOptions.defaults().withFormat(format()).withSecret(made.secret());
    }

    @Override
    public String toString() {
        return title;
    }
}
