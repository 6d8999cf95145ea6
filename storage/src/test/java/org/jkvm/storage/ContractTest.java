package org.jkvm.storage;

import java.nio.file.Path;
import org.junit.jupiter.api.Nested;

/** The contract, for every format and the variants of it that take other paths through the code. */
class ContractTest {
    private abstract static class Made extends BlockDeviceContract {
        private final CreateOptions made;
        private final CacheMode cache;

        Made(CreateOptions made, CacheMode cache) {
            this.made = made;
            this.cache = cache;
        }

        @Override
        Path create() {
            Path path = folder.resolve("disk." + made.format());
            Images.create(path, made);
            return path;
        }

        @Override
        OpenOptions options() {
            return OpenOptions.defaults().withFormat(made.format()).withCache(cache);
        }

        @Override
        boolean packs() {
            return made.format().equals("qcow2");
        }
    }

    private static CreateOptions qcow2(int clusterSize, int version, int refcountBits) {
        return new CreateOptions("qcow2", BlockDeviceContract.SIZE, CreateOptions.Preallocation.OFF, clusterSize, version,
                refcountBits, false, false, null, null);
    }

    @Nested
    class Raw extends Made {
        Raw() {
            super(CreateOptions.of("raw", SIZE), CacheMode.WRITEBACK);
        }
    }

    @Nested
    class RawDirect extends Made {
        RawDirect() {
            super(CreateOptions.of("raw", SIZE), CacheMode.NONE);
        }
    }

    @Nested
    class Qcow2 extends Made {
        Qcow2() {
            super(CreateOptions.of("qcow2", SIZE), CacheMode.WRITEBACK);
        }
    }

    @Nested
    class Qcow2Direct extends Made {
        Qcow2Direct() {
            super(CreateOptions.of("qcow2", SIZE), CacheMode.NONE);
        }
    }

    @Nested
    class Qcow2SmallClustersOneBit extends Made {
        Qcow2SmallClustersOneBit() {
            super(qcow2(512, 3, 1), CacheMode.UNSAFE);
        }
    }

    @Nested
    class Qcow2LargeClustersSixtyFourBits extends Made {
        Qcow2LargeClustersSixtyFourBits() {
            super(qcow2(2 << 20, 3, 64), CacheMode.WRITEBACK);
        }
    }

    @Nested
    class Qcow2Version2 extends Made {
        Qcow2Version2() {
            super(qcow2(4096, 2, 16), CacheMode.WRITEBACK);
        }
    }

    @Nested
    class Qcow2OverRaw extends BlockDeviceContract {
        @Override
        Path create() {
            Images.create(folder.resolve("base.raw"), CreateOptions.of("raw", SIZE - 512 * 77));
            Path path = folder.resolve("disk.qcow2");
            Images.create(path, CreateOptions.over("base.raw", "raw", SIZE));
            return path;
        }

        @Override
        OpenOptions options() {
            return OpenOptions.defaults();
        }
    }
}
