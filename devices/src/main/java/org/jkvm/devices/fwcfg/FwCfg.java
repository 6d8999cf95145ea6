package org.jkvm.devices.fwcfg;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.IoHandler;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateIo;
import org.jkvm.devices.Device;

/**
 * QEMU's firmware configuration device with its DMA interface (QEMU, docs/specs/fw_cfg): how firmware and guests get
 * tables, kernels and settings from the monitor. Items are added while the machine is built, before it runs.
 */
public final class FwCfg implements Device {
    /** "QEMU": how a guest finds the device. */
    public static final int SIGNATURE = 0x0000;
    /** What the interface can do: bit 0 the ports, bit 1 DMA. */
    public static final int ID = 0x0001;
    /** 16 bytes. */
    public static final int UUID = 0x0002;
    /** Bytes of RAM, 8 bytes. */
    public static final int RAM_SIZE = 0x0003;
    /** Graphics off, 2 bytes. */
    public static final int NOGRAPHIC = 0x0004;
    /** vCPUs at start, 2 bytes. */
    public static final int NB_CPUS = 0x0005;
    /** Whether firmware shows its boot menu, 2 bytes. */
    public static final int BOOT_MENU = 0x000e;
    /** Limit of APIC IDs, 2 bytes. */
    public static final int MAX_CPUS = 0x000f;
    /** The directory of named files. */
    public static final int FILE_DIR = 0x0019;
    /** The first key of a named file. */
    public static final int FILE_FIRST = 0x0020;

    private static final int FILE_SLOTS = 0x100;
    private static final int NAME_LENGTH = 56;
    private static final int DIRECTORY_ENTRY_LENGTH = 64;
    /** Bits 15 and 14 of a key select a group and write access; the rest numbers the item. */
    private static final int WRITE_CHANNEL = 0x4000;
    private static final int INTERFACES = 3;
    private static final int DMA_ERROR = 1;
    private static final int DMA_READ = 2;
    private static final int DMA_SKIP = 4;
    private static final int DMA_SELECT = 8;
    private static final int DMA_WRITE = 16;
    private static final int DMA_STRUCTURE_LENGTH = 16;
    /** "QEMU CFG", most significant byte first: what the DMA register reads. */
    private static final long DMA_SIGNATURE = 0x51454d55_20434647L;

    private final GuestMemory memory;
    private final TreeMap<Integer, byte[]> items = new TreeMap<>();
    private final TreeMap<Integer, Runnable> writable = new TreeMap<>();
    private final TreeMap<String, Integer> files = new TreeMap<>();
    private final RegisterFile ports = new RegisterFile("fw-cfg").summary("Selector and data ports, 510h on a PC")
            .source("QEMU, docs/specs/fw_cfg");
    private final RegisterFile dma = new RegisterFile("fw-cfg-dma").summary("DMA address, 514h on a PC; big-endian")
            .source("QEMU, docs/specs/fw_cfg, \"Guest-side DMA interface\"");
    private final Register selector;
    private final Register addressHigh;
    private long offset;

    /** Makes the device with nothing in it but its signature; DMA reaches {@code memory}. */
    public FwCfg(GuestMemory memory) {
        this.memory = memory;
        selector = ports.register("SELECTOR", 0, 16).writeSide().onWrite(v -> offset = 0)
                .summary("Key of the item to access");
        ports.register("DATA", 1, 8).readSide().notSaved().onRead(this::nextByte)
                .summary("The item's next byte; zero past its end");
        addressHigh = dma.register("ADDRESS_HIGH", 0, 32).onRead(() -> bigEndian(DMA_SIGNATURE >>> 32))
                .summary("Upper half of the address of an FWCfgDmaAccess; reads \"QEMU\"");
        dma.register("ADDRESS_LOW", 4, 32).notSaved().onRead(() -> bigEndian(DMA_SIGNATURE)).onWrite(this::startDma)
                .summary("Lower half; starts the access; reads \" CFG\"");
        add(SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
        add(ID, new byte[] {INTERFACES, 0, 0, 0});
        listFiles();
    }

    /**
     * Adds or replaces the item of a key that isn't a file's. The array is used, not copied.
     *
     * @param key a well-known key, or 8000h and up for those of the architecture
     */
    public void add(int key, byte[] content) {
        if ((key & ~0xffff) != 0 || (key & WRITE_CHANNEL) != 0) {
            throw new IllegalArgumentException("fw_cfg key " + Integer.toHexString(key) + "h");
        }
        items.put(key, content);
    }

    /** Adds an integer of {@code size} bytes, little-endian. */
    public void addInt(int key, int size, long value) {
        byte[] content = new byte[size];
        for (int i = 0; i < size; i++) {
            content[i] = (byte) (value >>> 8 * i);
        }
        add(key, content);
    }

    /** Adds a named file, or replaces its content. The array is used, not copied. */
    public void addFile(String name, byte[] content) {
        checkName(name);
        int key = files.computeIfAbsent(name, n -> FILE_FIRST + files.size());
        items.put(key, content);
        listFiles();
    }

    /**
     * Adds a file that the guest can write by DMA; it can't change its length.
     *
     * @param written called after each write, with the bus lock held
     */
    public void addWritableFile(String name, byte[] content, Runnable written) {
        addFile(name, content);
        writable.put(files.get(name), written);
    }

    @Override
    public String name() {
        return "fw-cfg";
    }

    @Override
    public List<RegisterFile> registerFiles() {
        return List.of(ports, dma);
    }

    /** The selector and data ports: 2 bytes. */
    public IoHandler window() {
        return ports;
    }

    /** The DMA address: 8 bytes. */
    public IoHandler dmaWindow() {
        return dma;
    }

    @Override
    public void reset() {
        ports.reset();
        dma.reset();
        offset = 0;
    }

    /** What the monitor put in is the machine's business; what the guest wrote, and where it was reading, is kept. */
    @Override
    public void exchangeState(StateIo io) {
        io.part("ports", ports);
        io.part("dma", dma);
        offset = io.bits("offset", 32, offset);
        for (int key : writable.keySet()) {
            io.bytes("item" + key, items.get(key));
        }
    }

    private void checkName(String name) {
        if (name.isEmpty() || name.length() >= NAME_LENGTH || !StandardCharsets.US_ASCII.newEncoder().canEncode(name)) {
            throw new IllegalArgumentException("fw_cfg file name '" + name + "': 1 to " + (NAME_LENGTH - 1)
                    + " ASCII characters");
        }
        if (files.size() == FILE_SLOTS && !files.containsKey(name)) {
            throw new IllegalArgumentException("fw_cfg has no room for '" + name + "': " + FILE_SLOTS + " files at most");
        }
    }

    /** FILE_DIR: a count, then size, key and name of each file, big-endian ("File Directory"). */
    private void listFiles() {
        ByteBuffer directory = ByteBuffer.allocate(4 + files.size() * DIRECTORY_ENTRY_LENGTH).putInt(files.size());
        for (Map.Entry<String, Integer> file : files.entrySet()) {
            byte[] name = file.getKey().getBytes(StandardCharsets.US_ASCII);
            directory.putInt(items.get(file.getValue()).length).putShort(file.getValue().shortValue()).putShort((short) 0)
                    .put(Arrays.copyOf(name, NAME_LENGTH));
        }
        items.put(FILE_DIR, directory.array());
    }

    private byte[] selected() {
        return items.getOrDefault((int) selector.get() & ~WRITE_CHANNEL, new byte[0]);
    }

    private long nextByte() {
        byte[] item = selected();
        return offset < item.length ? item[(int) offset++] & 0xff : 0;
    }

    private static long bigEndian(long value) {
        return Integer.reverseBytes((int) value) & 0xffff_ffffL;
    }

    private void startDma(long low) {
        long address = bigEndian(addressHigh.get()) << 32 | bigEndian(low);
        addressHigh.set(0);
        try {
            access(address);
        } catch (GuestMemory.BadAddress e) {
            report(address, DMA_ERROR);
        }
    }

    /** Carries out one FWCfgDmaAccess: control, length, address ("Guest-side DMA interface"). */
    private void access(long structure) {
        byte[] bytes = new byte[DMA_STRUCTURE_LENGTH];
        memory.read(structure, bytes, 0, bytes.length);
        ByteBuffer fields = ByteBuffer.wrap(bytes);
        int control = fields.getInt();
        long length = fields.getInt() & 0xffff_ffffL;
        long address = fields.getLong();
        if ((control & DMA_SELECT) != 0) {
            selector.set(control >>> 16);
            offset = 0;
        }
        boolean done = (control & DMA_READ) != 0 ? copyOut(address, length)
                : (control & DMA_WRITE) != 0 ? copyIn(address, length)
                : (control & DMA_SKIP) == 0 || skip(length);
        report(structure, done ? 0 : DMA_ERROR);
    }

    private boolean copyOut(long address, long length) {
        byte[] item = selected();
        int available = available(item, length);
        memory.slice(address, length).asSlice(available).fill((byte) 0);
        memory.write(address, item, (int) Math.min(offset, item.length), available);
        memory.markWritten(address, length);
        return skip(length);
    }

    private boolean copyIn(long address, long length) {
        byte[] item = selected();
        Runnable written = writable.get((int) selector.get() & ~WRITE_CHANNEL);
        if (written == null || available(item, length) < length) {
            return false;
        }
        memory.read(address, item, (int) offset, (int) length);
        skip(length);
        written.run();
        return true;
    }

    private int available(byte[] item, long length) {
        return (int) Math.clamp(item.length - offset, 0, length);
    }

    /** Moves on, but not so far past the end that the offset could wrap round to the start. */
    private boolean skip(long length) {
        offset = Math.min(offset + length, Integer.MAX_VALUE);
        return true;
    }

    private void report(long structure, int status) {
        try {
            memory.writeInt(structure, 4, bigEndian(status));
        } catch (GuestMemory.BadAddress e) {
            // The guest named no RAM to report to: there is nobody to tell.
            return;
        }
    }
}
