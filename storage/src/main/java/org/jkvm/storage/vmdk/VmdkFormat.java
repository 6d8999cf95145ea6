package org.jkvm.storage.vmdk;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.blocks.BlockLayer;
import org.jkvm.storage.blocks.FlatMap;
import org.jkvm.storage.blocks.Pages;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;
import org.jkvm.storage.layer.ImageFormat;
import org.jkvm.storage.layer.Layer;
import org.jkvm.storage.layer.NewImage;
import org.jkvm.storage.layer.Source;
import org.jkvm.storage.qcow2.BackingName;

/** VMDK: one file or several, sparse, flat or packed (VMware, Virtual Disk Format 5.0). */
public final class VmdkFormat implements ImageFormat {
    private static final int SECTOR = SparseHeader.SECTOR;
    private static final int DESCRIPTOR_SECTORS = 20;
    private static final int FLAT_BLOCK = 1 << 20;
    /** 2 GiB: what the formats with that in their name put into one file. */
    private static final long SPLIT = (2L << 30) / SECTOR;
    private static final long MAX_SECTORS = 1L << 42;

    @Override
    public String name() {
        return "vmdk";
    }

    @Override
    public Layer open(Source source) throws IOException {
        ImageFile file = source.file();
        if (Bytes.read(file, 0, Integer.BYTES, ByteOrder.LITTLE_ENDIAN).getInt(0) == SparseHeader.MAGIC) {
            return sparse(source);
        }
        Descriptor descriptor = Descriptor.read(file, 0, Math.min(file.size(), 1 << 20));
        require(descriptor.parent() == null, "VMDK images in several files that stand on a parent are not supported");
        List<JoinedLayer.Part> parts = new ArrayList<>();
        try {
            long start = 0;
            for (Descriptor.Extent extent : descriptor.extents()) {
                require(extent.sectors() <= MAX_SECTORS - start / SECTOR, "corrupt VMDK image: an extent of "
                        + extent.sectors() + " sectors");
                parts.add(part(source, extent, start));
                start += extent.sectors() * SECTOR;
            }
            require(!parts.isEmpty(), "corrupt VMDK image: its descriptor names no extents");
        } catch (IOException | RuntimeException e) {
            closeAll(parts);
            throw e;
        }
        return new JoinedLayer(source.path(), file, descriptor, parts);
    }

    private static void closeAll(List<JoinedLayer.Part> parts) throws IOException {
        for (JoinedLayer.Part part : parts) {
            if (part.layer() != null) {
                part.layer().close();
            }
        }
    }

    private static JoinedLayer.Part part(Source source, Descriptor.Extent extent, long start) throws IOException {
        long length = extent.sectors() * SECTOR;
        require(!extent.access().equals("NOACCESS"), "VMDK extents that nobody may read (NOACCESS) are not supported");
        if (extent.type().equals("ZERO")) {
            return new JoinedLayer.Part(start, length, null, false, null);
        }
        boolean flat = extent.type().equals("FLAT");
        require((flat || extent.type().equals("SPARSE")) && extent.file() != null, "VMDK extents of type "
                + extent.type() + " are not supported; SPARSE, FLAT and ZERO are");
        ImageFile file = source.neighbours().part(extent.file());
        Path path = source.path().resolveSibling(extent.file());
        try {
            SparseHeader header = flat ? null : SparseHeader.read(file);
            Layer layer = flat ? flat(source, path, file, extent) : sparsePart(source, path, file, header, extent);
            FormatInfo.Vmdk.Extent info = flat ? new FormatInfo.Vmdk.Extent(false, length, path, 0, extent.type())
                    : header.info(path, extent.sectors(), extent.type());
            return new JoinedLayer.Part(start, length, layer, extent.access().equals("RW"), info);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Layer flat(Source source, Path path, ImageFile file, Descriptor.Extent extent) throws IOException {
        require(extent.offset() <= MAX_SECTORS && (extent.offset() + extent.sectors()) * SECTOR <= file.size(),
                "truncated VMDK image: extent '" + Bytes.printable(extent.file()) + "' is too short");
        BlockLayer.Shape shape = new BlockLayer.Shape(path, "vmdk", extent.sectors() * SECTOR, FLAT_BLOCK, false,
                null);
        return new BlockLayer(shape, file, new FlatMap(extent.offset() * SECTOR, FLAT_BLOCK), null, source.options());
    }

    /** An extent with its descriptor in the same file. */
    private static Layer sparse(Source source) throws IOException {
        SparseHeader header = SparseHeader.read(source.file());
        require(header.descriptorSize() > 0, "VMDK extent without a descriptor: open the descriptor file that names it");
        Descriptor descriptor = Descriptor.read(source.file(), header.descriptorOffset() * SECTOR,
                header.descriptorSize() * SECTOR);
        ImageInfo.Backing named = null;
        if (descriptor.parent() != null) {
            named = new ImageInfo.Backing(descriptor.parent(), BackingName.resolve(source.path(), descriptor.parent()),
                    "vmdk");
        }
        Layer backing = named == null ? null : source.neighbours().backing(named);
        refuseChanged(backing, descriptor);
        FormatInfo specific = descriptor.info(List.of(header.info(source.path(), header.capacity(), "")));
        BlockLayer.Shape shape = new BlockLayer.Shape(source.path(), "vmdk", header.capacity() * SECTOR,
                (int) header.grainSize() * SECTOR, true, named, specific);
        return new BlockLayer(shape, source.file(), new VmdkMap(source.file(), header, descriptor), backing,
                source.options());
    }

    private static Layer sparsePart(Source source, Path path, ImageFile file, SparseHeader header, Descriptor.Extent extent)
            throws IOException {
        require(extent.sectors() <= header.capacity(), "corrupt VMDK image: an extent is shorter than its descriptor says");
        BlockLayer.Shape shape = new BlockLayer.Shape(path, "vmdk", extent.sectors() * SECTOR,
                (int) header.grainSize() * SECTOR, true, null);
        return new BlockLayer(shape, file, new VmdkMap(file, header, null), null, source.options());
    }

    /** The format has no other way to see that what a disk stands on is not what it stood on. */
    private static void refuseChanged(Layer parent, Descriptor descriptor) throws IOException {
        if (parent != null && !parent.contentId().map(descriptor::standsOn).orElse(false)) {
            parent.close();
            throw new IOException("its parent has changed since it was made: the content id is "
                    + parent.contentId().orElse("none") + ", not " + Bytes.printable(descriptor.parentCid()));
        }
    }

    @Override
    public boolean creatable() {
        return true;
    }

    @Override
    public Map<String, String> creationOptions() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("adapter_type", "ide (the default), lsilogic, buslogic or legacyESX");
        options.put("subformat",
                "monolithicSparse (the default), monolithicFlat, twoGbMaxExtentSparse, twoGbMaxExtentFlat or"
                + " streamOptimized");
        return options;
    }

    @Override
    public void create(NewImage image, CreateOptions options) throws IOException {
        String kind = options.choice("subformat", "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse",
                "twoGbMaxExtentFlat", "streamOptimized");
        String adapter = options.choice("adapter_type", "ide", "lsilogic", "buslogic", "legacyESX");
        long sectors = options.size() / SECTOR;
        if (sectors > MAX_SECTORS) {
            throw new UserException("size " + options.size() + " is too large for format vmdk");
        }
        String name = image.path().getFileName().toString();
        if (kind.equals("monolithicSparse") || kind.equals("streamOptimized")) {
            byte[] text = Descriptor.text(kind, sectors, adapter,
                    List.of(new Descriptor.Extent("RW", sectors, "SPARSE", name, 0)));
            createSparse(image.file(), sectors, text, kind.equals("streamOptimized"));
        } else {
            List<Descriptor.Extent> extents = createParts(image, kind, sectors, name.replaceFirst("\\.vmdk$", ""));
            Bytes.write(image.file(), 0, ByteBuffer.wrap(Descriptor.text(kind, sectors, adapter, extents)));
        }
    }

    private static List<Descriptor.Extent> createParts(NewImage image, String kind, long sectors, String base)
            throws IOException {
        boolean flat = kind.endsWith("Flat");
        long most = kind.startsWith("twoGb") ? SPLIT : Math.max(1, sectors);
        List<Descriptor.Extent> extents = new ArrayList<>();
        for (long start = 0; start < sectors || extents.isEmpty(); start += most) {
            long length = Math.min(most, sectors - start);
            String number = String.format("%s%03d", flat ? "f" : "s", extents.size() + 1);
            String name = base + "-" + (kind.equals("monolithicFlat") ? "flat" : number) + ".vmdk";
            ImageFile file = image.neighbours().part(name);
            if (flat) {
                file.setSize(length * SECTOR);
            } else {
                createSparse(file, length, new byte[0], false);
            }
            extents.add(new Descriptor.Extent("RW", length, flat ? "FLAT" : "SPARSE", name, 0));
        }
        return extents;
    }

    private static void createSparse(ImageFile file, long sectors, byte[] descriptor, boolean compressed)
            throws IOException {
        SparseHeader header = SparseHeader.of(sectors, descriptor.length == 0 ? 0 : DESCRIPTOR_SECTORS, compressed);
        if (descriptor.length > DESCRIPTOR_SECTORS * SECTOR) {
            throw new UserException("the image's file name is too long for its descriptor");
        }
        file.setSize(header.overHead() * SECTOR);
        Bytes.write(file, 0, header.bytes());
        if (descriptor.length > 0) {
            Bytes.write(file, header.descriptorOffset() * SECTOR, ByteBuffer.wrap(descriptor));
        }
        Pages pages = new Pages(file, ByteOrder.LITTLE_ENDIAN);
        directory(pages, header, header.rgdOffset());
        directory(pages, header, header.gdOffset());
        pages.write();
    }

    /** Points a new directory to its tables, which lie behind it. */
    private static void directory(Pages pages, SparseHeader header, long at) throws IOException {
        long tables = header.directoryEntries();
        long table = at + Math.ceilDiv(tables * Integer.BYTES, SECTOR);
        for (long i = 0; i < tables; i++) {
            pages.putInt(at * SECTOR + i * Integer.BYTES, table);
            table += SparseHeader.GT_ENTRIES * Integer.BYTES / SECTOR;
        }
    }
}
