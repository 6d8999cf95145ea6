package org.jkvm.app.settings;

import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.Option;
import org.jkvm.app.cli.OptionList;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.soft.SoftOptions;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.machine.pc.GuestRam;
import org.jkvm.machine.pc.PciCard;

/** Makes {@link VmSettings} of a command line, and refuses what makes no sense. */
public final class SettingsReader {
    private static final long MIB = 1 << 20;
    private static final long DEFAULT_MEMORY = 128 * MIB;
    private static final long MAX_MEMORY = 1L << 40;
    private static final int SERIALS = 4;
    private static final List<String> ACCELERATORS = List.of("auto", "kvm", "soft", "tcg");

    private final Arguments given;
    private final Map<String, BlockNode> nodes = new LinkedHashMap<>();
    private final List<DeviceSettings> devices = new ArrayList<>();
    private final List<String> accelerators = new ArrayList<>();
    private SoftOptions engine = SoftOptions.DEFAULT;
    private boolean splitChip;

    private SettingsReader(Arguments given) {
        this.given = given;
    }

    /**
     * Reads a command line.
     *
     * @throws UserException naming the option that is at fault
     */
    public static VmSettings read(Arguments given) {
        return new SettingsReader(given).read();
    }

    /** The answer to an option that asks for help, such as {@code -device help}; empty where none does. */
    public static Optional<String> help(Arguments given) {
        return given.all(Option.DEVICE).stream().filter(text -> OptionList.parse("-device", text, "driver").asksForHelp())
                .findFirst().map(text -> new DeviceSyntax(Map.of(), Map.of()).help(text));
    }

    private VmSettings read() {
        machine();
        accelerator();
        nothingElse(Option.VGA);
        nothingElse(Option.NET);
        nothingElse(Option.NIC);
        nothingElse(Option.DISPLAY);
        blockDevices();
        drives();
        deviceOptions();
        VmSettings.Consoles consoles = new ConsoleReader(given).read(SERIALS);
        return new VmSettings(name(), memory(), given.last(Option.CPU).orElse("qemu64"), topology(), boot(), devices, consoles,
                running(), accelerators.isEmpty() ? List.of("auto") : List.copyOf(accelerators), engine,
                splitChip);
    }

    private CpuTopology topology() {
        CpuTopology topology = given.last(Option.SMP).map(CpuTopology::parse).orElse(CpuTopology.ONE);
        if (engine.check() && topology.cpus() > 1) {
            throw new UserException("-accel check=on compares one processor with itself: it needs -smp 1");
        }
        return topology;
    }

    private void machine() {
        for (String text : given.all(Option.MACHINE)) {
            OptionList list = OptionList.parse("-machine", text, "type");
            String type = list.string("type").orElse("pc");
            if (!type.equals("pc")) {
                throw list.refuse("there is no machine '" + type + "'; there is pc");
            }
            splitChip = interruptChip(list);
            list.string("accel").ifPresent(names -> accelerator("-machine " + text, List.of(names.split(":"))));
            list.end();
        }
    }

    /** Whether, on /dev/kvm, only the local APICs are the kernel's. */
    private boolean interruptChip(OptionList list) {
        return switch (list.oneOf("kernel-irqchip", splitChip ? "split" : "on", "on", "off", "split")) {
            case "off" -> throw list.refuse("on /dev/kvm local APICs are the kernel's: on or split; -accel soft has its own");
            case "split" -> true;
            default -> false;
        };
    }

    private void accelerator() {
        if (given.has(Option.ENABLE_KVM)) {
            accelerators.add("kvm");
        }
        for (String text : given.all(Option.ACCEL)) {
            OptionList list = OptionList.parse("-accel", text, "accel");
            List<String> names = List.of(list.required("accel").split(":"));
            accelerator("-accel " + text, names);
            if (!names.equals(List.of("kvm"))) {
                engine = engine(list);
            }
            list.end();
        }
    }

    /** The software engine's properties; tb-size is QEMU's name. */
    private SoftOptions engine(OptionList list) {
        long mebibytes = list.number("tb-size", engine.cacheBytes() / MIB, SoftOptions.LEAST_CACHE / MIB,
                SoftOptions.MOST_CACHE / MIB);
        return engine.withTranslate(list.flag("translate", engine.translate())).withCheck(list.flag("check", engine.check()))
                .withCacheBytes(mebibytes * MIB);
    }

    /** Some in order, as in {@code accel=kvm:soft}; several options add up. */
    private void accelerator(String option, List<String> names) {
        for (String name : names) {
            if (!ACCELERATORS.contains(name)) {
                throw new UserException(option + ": there is no accelerator '" + name + "'; there are "
                        + String.join(", ", ACCELERATORS) + Suggestion.hint(name, ACCELERATORS));
            }
            accelerators.add(name.equals("tcg") ? "soft" : name);
        }
    }

    private void nothingElse(Option option) {
        given.last(option).filter(text -> !text.equals("none")).ifPresent(text -> {
            throw new UserException(option.label() + " " + text + ": only 'none' so far");
        });
    }

    private void blockDevices() {
        BlockdevSyntax syntax = new BlockdevSyntax();
        given.all(Option.BLOCKDEV).forEach(syntax::add);
        syntax.nodes().forEach(node -> nodes.put(node.name(), node));
    }

    /** Disks by name come first, as they would be the IDE disks; then -drive in order. */
    private void drives() {
        List<DriveSyntax.Drive> drives = new ArrayList<>();
        boolean snapshots = given.has(Option.SNAPSHOT);
        for (Option option : List.of(Option.HDA, Option.HDB, Option.HDC, Option.HDD)) {
            given.all(option).forEach(file -> drives.add(DriveSyntax.plain(option.label(), file, drives.size(), snapshots)));
        }
        given.disks().forEach(file -> drives.add(DriveSyntax.plain("disk", file, drives.size(), snapshots)));
        given.all(Option.DRIVE).forEach(text -> drives.add(DriveSyntax.drive(text, drives.size(), snapshots)));
        for (DriveSyntax.Drive drive : drives) {
            BlockNode node = drive.node();
            if (nodes.putIfAbsent(node.name(), node) != null) {
                throw new UserException(node.option() + ": there is a drive '" + node.name() + "' already");
            }
            if (drive.attached()) {
                nodes.remove(node.name());
                devices.add(new DeviceSettings.VirtioBlk(node.name(), PciCard.ANY_SLOT, node, options(node),
                        VirtioOptions.DEFAULTS));
            }
        }
    }

    private static BlkOptions options(BlockNode node) {
        BlkOptions d = BlkOptions.DEFAULTS;
        return new BlkOptions(d.serial(), d.numQueues(), d.queueSize(), d.logicalBlockSize(), d.physicalBlockSize(),
                node.writeCache(), d.configWce(), d.discard(), d.writeZeroes(), d.requestMerging(),
                node.rerror(), node.werror());
    }

    private void deviceOptions() {
        Map<String, RandomSource> sources = new LinkedHashMap<>();
        given.all(Option.OBJECT).forEach(text -> {
            RandomSource source = randomSource(text);
            sources.put(source.id(), source);
        });
        DeviceSyntax syntax = new DeviceSyntax(nodes, sources);
        given.all(Option.DEVICE).forEach(text -> devices.add(syntax.read(text)));
        List<String> ids = devices.stream().map(DeviceSettings::id).filter(id -> !id.isEmpty()).sorted().toList();
        for (int i = 1; i < ids.size(); i++) {
            if (ids.get(i).equals(ids.get(i - 1))) {
                throw new UserException("-device: there are two devices with the id '" + ids.get(i) + "'");
            }
        }
    }

    private static RandomSource randomSource(String text) {
        List<String> kinds = List.of("rng-random", "rng-builtin");
        OptionList list = OptionList.parse("-object", text, "qom-type");
        String kind = list.required("qom-type");
        if (!kinds.contains(kind)) {
            throw list.refuse("'" + kind + "' is not an object that there is; there are " + String.join(", ", kinds)
                    + Suggestion.hint(kind, kinds));
        }
        RandomSource source = new RandomSource(list.required("id"), kind.equals("rng-builtin") ? Optional.empty()
                : Optional.of(Path.of(list.string("filename").orElse("/dev/urandom"))));
        list.end();
        return source;
    }

    private String name() {
        return given.last(Option.NAME).map(text -> {
            OptionList list = OptionList.parse("-name", text, "guest");
            String name = list.string("guest").orElse("");
            list.end();
            return name;
        }).orElse("");
    }

    private GuestRam memory() {
        long memory = given.last(Option.M).map(text -> {
            OptionList list = OptionList.parse("-m", text, "size");
            long size = list.size("size", DEFAULT_MEMORY, 'm');
            list.end();
            return size;
        }).orElse(DEFAULT_MEMORY);
        long rounded = memory == 0 ? DEFAULT_MEMORY : memory + MIB - 1 & -MIB;
        if (memory < 0 || rounded > MAX_MEMORY) {
            throw new UserException("-m " + given.last(Option.M).orElse("") + ": 1M to 1T");
        }
        return new GuestRam(rounded, given.last(Option.MEM_PATH).map(Path::of), given.has(Option.MEM_PREALLOC));
    }

    private VmSettings.Boot boot() {
        if (given.last(Option.KERNEL).isEmpty()) {
            for (Option option : List.of(Option.APPEND, Option.INITRD)) {
                if (given.has(option)) {
                    throw new UserException(option.label() + " only allowed with -kernel option");
                }
            }
            throw new UserException("nothing to boot: give a kernel (-kernel FILE); there is no firmware yet that could "
                    + "boot a disk. 'kvm demo' shows a guest");
        }
        return new VmSettings.Boot(Path.of(given.last(Option.KERNEL).get()), given.last(Option.INITRD),
                given.last(Option.APPEND).orElse(""));
    }

    private VmSettings.Running running() {
        List<String> items = given.last(Option.D).map(text -> List.of(text.split(","))).orElse(List.of());
        return new VmSettings.Running(given.has(Option.S), !given.has(Option.NO_REBOOT), !given.has(Option.NO_SHUTDOWN),
                given.last(Option.PIDFILE).map(Path::of), items, given.last(Option.D_FILE).map(Path::of), clock());
    }

    private VmSettings.Clock clock() {
        return given.last(Option.RTC).map(text -> {
            OptionList list = OptionList.parse("-rtc", text, "base");
            String base = list.string("base").orElse("utc");
            list.oneOf("clock", "host", "host");
            list.oneOf("driftfix", "none", "none");
            list.end();
            return switch (base) {
                case "utc" -> new VmSettings.Clock(false, Optional.empty());
                case "localtime" -> new VmSettings.Clock(true, Optional.empty());
                default -> new VmSettings.Clock(false, Optional.of(date(list, base)));
            };
        }).orElse(new VmSettings.Clock(false, Optional.empty()));
    }

    private static LocalDateTime date(OptionList list, String text) {
        try {
            return text.contains("T") ? LocalDateTime.parse(text) : LocalDate.parse(text).atStartOfDay();
        } catch (DateTimeParseException e) {
            throw list.refuse("'base' is utc, localtime, or a date such as 2006-06-17T16:01:21 or 2006-06-17");
        }
    }
}
