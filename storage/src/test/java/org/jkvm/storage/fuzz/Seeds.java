package org.jkvm.storage.fuzz;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jkvm.base.UserException;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.CreateOptions.Preallocation;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.Secret;
import org.jkvm.storage.Snapshots;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.luks.LuksFormat;
import org.jkvm.storage.parallels.ParallelsFormat;
import org.jkvm.storage.qcow2.Creator;
import org.jkvm.storage.qcow2.Encryption;
import org.jkvm.storage.qcow2.Qcow2Layer;
import org.jkvm.storage.qed.QedFormat;
import org.jkvm.storage.vdi.VdiFormat;
import org.jkvm.storage.vhdx.VhdxFormat;
import org.jkvm.storage.vmdk.VmdkFormat;
import org.jkvm.storage.vpc.VpcFormat;

/** Good images of all formats, in memory, to be damaged; and how each is opened. */
final class Seeds {
    static final Secret SECRET = new Secret(new byte[] {'k'});
    private static final Path PATH = Path.of("fuzzed");
    private static final int SIZE = 1 << 20;

    /** An image: its name, its file, the files beside it, and what opens it; null opens qcow2. */
    record Seed(String name, MemoryFile file, Map<String, MemoryFile> parts, ImageFormat format) {
        Layer open(MemoryFile changed, OpenOptions options) throws IOException {
            if (format == null) {
                return Qcow2Layer.open(PATH, changed, options, this::part);
            }
            return format.open(new Source(PATH, changed, options, new Source.Neighbours() {
                @Override
                public ImageFile part(String name) {
                    return Seed.this.part(name);
                }

                @Override
                public Layer backing(ImageInfo.Backing backing) {
                    return null;
                }
            }));
        }

        /** As who opens files does. */
        private ImageFile part(String name) {
            if (name.chars().anyMatch(c -> c == '/' || Character.isISOControl(c))) {
                throw new UserException("only files in the image's folder are opened");
            }
            return parts.getOrDefault(name, new MemoryFile()).copy();
        }
    }

    private Seeds() {
    }

    static List<Seed> all() throws IOException {
        List<Seed> all = new ArrayList<>();
        all.add(qcow2("qcow2 v2", 512, 2, 16, Map.of(), null));
        all.add(qcow2("qcow2 v3", 512, 3, 1, Map.of(), null));
        all.add(qcow2("qcow2 4k", 4096, 3, 16, Map.of(), null));
        all.add(qcow2("qcow2 extended", 1 << 14, 3, 16, Map.of("extended_l2", "on"), null));
        all.add(qcow2("qcow2 data file", 4096, 3, 8, Map.of("data_file", "part"), null));
        all.add(bitmaps(qcow2("qcow2 bitmaps", 512, 3, 16, Map.of(), null)));
        all.add(qcow2("qcow2 luks", 4096, 3, 16, Map.of("encrypt.format", "luks"), SECRET));
        for (String sub : List.of("monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "streamOptimized")) {
            all.add(other(new VmdkFormat(), Map.of("subformat", sub)));
        }
        all.add(other(new VdiFormat(), Map.of()));
        all.add(other(new VhdxFormat(), Map.of("block_size", "1M")));
        all.add(other(new VpcFormat(), Map.of()));
        all.add(other(new VpcFormat(), Map.of("subformat", "fixed")));
        all.add(other(new ParallelsFormat(), Map.of("cluster_size", "64k")));
        all.add(other(new QedFormat(), Map.of("cluster_size", "4k")));
        all.add(other(new LuksFormat(), Map.of("iter-time", "1")));
        return all;
    }

    private static Seed qcow2(String name, int cluster, int version, int bits, Map<String, String> more, Secret secret)
            throws IOException {
        CreateOptions options = new CreateOptions("qcow2", SIZE, Preallocation.OFF, cluster, version, bits, false, false,
                null,
                null).withMore(more).withSecret(secret);
        MemoryFile file = new MemoryFile();
        Creator.create(file, options);
        if (secret != null) {
            Encryption.add(file, secret, 1);
        }
        MemoryFile part = new MemoryFile();
        OpenOptions opened = OpenOptions.defaults().withSecret(secret);
        try (Qcow2Layer layer = Qcow2Layer.open(PATH, file, opened, _ -> part)) {
            layer.grow(SIZE);
            fill(layer);
            if (bits > 1 && layer.snapshots().isPresent()) {
                layer.snapshots().orElseThrow().create(new Snapshots.Label("s", 1, 1, 0));
                layer.write(4096, MemorySegment.ofArray(new byte[8192]));
            }
        }
        return new Seed(name, file, Map.of("part", part), null);
    }

    /** With two bitmaps, one of which records. */
    private static Seed bitmaps(Seed seed) throws IOException {
        try (Layer layer = seed.open(seed.file(), OpenOptions.defaults())) {
            Bitmaps bitmaps = layer.bitmaps().orElseThrow();
            bitmaps.add("fine", 512);
            bitmaps.add("still", 4096);
            layer.write(512, MemorySegment.ofArray(new byte[512]));
            bitmaps.setEnabled("still", false);
        }
        return seed;
    }

    private static void fill(Layer layer) throws IOException {
        byte[] data = new byte[20_480];
        new Random(1).nextBytes(data);
        layer.write(0, MemorySegment.ofArray(data));
        layer.write(SIZE / 2, MemorySegment.ofArray(data));
        long cluster = layer.info().clusterSize();
        if (cluster > 0) {
            layer.writeCompressed(SIZE / 4 / cluster * cluster, MemorySegment.ofArray(new byte[(int) cluster]));
        }
        layer.writeZeroes(8192, 4096, true);
        layer.flush();
    }

    private static Seed other(ImageFormat format, Map<String, String> more) throws IOException {
        CreateOptions options = CreateOptions.of(format.name(), SIZE).withMore(more).withSecret(SECRET);
        MemoryFile file = new MemoryFile();
        Map<String, MemoryFile> parts = new HashMap<>();
        format.create(new NewImage(PATH, file, new NewImage.Neighbours() {
            @Override
            public ImageFile part(String name) {
                parts.put(name, new MemoryFile());
                return parts.get(name);
            }

            @Override
            public void reserve(ImageFile reserved, long offset, long length) {
                // Memory needs no reserving.
            }
        }), options);
        Seed seed = new Seed(format.name() + " " + more, file, parts, format);
        if (parts.isEmpty()) {
            try (Layer layer = seed.open(file, OpenOptions.defaults().withSecret(SECRET))) {
                fill(layer);
            }
        }
        return seed;
    }
}
