package org.jkvm.app.settings;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jkvm.app.cli.OptionList;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.balloon.BalloonOptions;
import org.jkvm.devices.virtio.blk.BlkOptions;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.devices.virtio.console.SerialOptions;
import org.jkvm.devices.virtio.rng.RngOptions;
import org.jkvm.machine.pc.PciCard;

/** Reads {@code -device}s. What a device can be told is what its reader asks for, and {@code -device X,help} lists that. */
final class DeviceSyntax {
    /** A port's number where none is given: the lowest that is free. */
    static final int FIRST_FREE = -1;

    private final Map<String, Kind> kinds = new TreeMap<>();
    private final Map<String, BlockNode> nodes;
    private final Map<String, RandomSource> sources;

    /** A kind of device. */
    private record Kind(String bus, String description, Function<OptionList, DeviceSettings> reader) {
    }

    /** Reads devices that may refer to {@code nodes} and {@code sources} by name. */
    DeviceSyntax(Map<String, BlockNode> nodes, Map<String, RandomSource> sources) {
        this.nodes = nodes;
        this.sources = sources;
        kinds.put("virtio-blk-pci", new Kind("PCI", "virtual hard disk", this::blk));
        kinds.put("virtio-rng-pci", new Kind("PCI", "random numbers", this::rng));
        kinds.put("virtio-balloon-pci", new Kind("PCI", "memory that the host can take back", DeviceSyntax::balloon));
        kinds.put("virtio-serial-pci", new Kind("PCI", "consoles and ports", DeviceSyntax::serial));
        kinds.put("virtconsole", new Kind("virtio-serial-bus", "console of virtio-serial-pci", list -> port(list, true)));
        kinds.put("virtserialport", new Kind("virtio-serial-bus", "port of virtio-serial-pci", list -> port(list, false)));
        kinds.put("isa-debug-exit", new Kind("ISA", "port whose writes end the machine", DeviceSyntax::debugExit));
        kinds.put("isa-debugcon", new Kind("ISA", "port whose writes are text", DeviceSyntax::debugcon));
        kinds.put("pc-testdev", new Kind("ISA", "what kvm-unit-tests drives",
                list -> new DeviceSettings.PcTestdev(id(list))));
    }

    /** Reads one. */
    DeviceSettings read(String text) {
        OptionList list = OptionList.parse("-device", text, "driver");
        String name = canonical(list.required("driver"));
        Kind kind = Optional.ofNullable(kinds.get(name)).orElseThrow(() -> list.refuse("'" + name
                + "' is not a device that there is" + Suggestion.nearest(name, kinds.keySet())
                .map(c -> "; did you mean '" + c + "'?").orElse(" ('-device help' lists them)")));
        DeviceSettings settings = withContext(list, kind);
        list.end();
        return settings;
    }

    /** Devices check their own ranges and don't know what the user wrote. */
    private static DeviceSettings withContext(OptionList list, Kind kind) {
        try {
            return kind.reader.apply(list);
        } catch (UserException e) {
            throw e.getMessage().startsWith("-") ? e : list.refuse(e.getMessage());
        }
    }

    private static String canonical(String name) {
        return name.matches("virtio-(blk|rng|balloon|serial)") ? name + "-pci" : name;
    }

    /** The answer to {@code -device help} or {@code -device X,help}. */
    String help(String text) {
        String name = canonical(text.split(",")[0]);
        Kind kind = kinds.get(name);
        StringBuilder answer = new StringBuilder();
        if (kind == null) {
            kinds.forEach((key, k) -> answer.append("name \"").append(key).append("\", bus ").append(k.bus)
                    .append(", desc \"").append(k.description).append("\"\n"));
            return answer.toString();
        }
        OptionList list = OptionList.describing("-device " + text);
        kind.reader.apply(list);
        answer.append(name).append(" options:\n");
        List<String> properties = new ArrayList<>(list.descriptions());
        properties.sort(Comparator.naturalOrder());
        properties.forEach(p -> answer.append("  ").append(p).append('\n'));
        return answer.toString();
    }

    private static String id(OptionList list) {
        return list.string("id").orElse("");
    }

    private DeviceSettings blk(OptionList list) {
        String id = id(list);
        String drive = list.required("drive");
        BlockNode node = list.isDescribing() ? null : Optional.ofNullable(nodes.remove(drive)).orElseThrow(() ->
                list.refuse("there is no drive '" + drive + "' that no other device uses"
                        + Suggestion.hint(drive, nodes.keySet())));
        BlkOptions defaults = BlkOptions.DEFAULTS;
        BlkOptions options = new BlkOptions(list.string("serial").orElse(""), integer(list, "num-queues", 1, 1, 64),
                integer(list, "queue-size", defaults.queueSize(), 4, 1024),
                (int) list.size("logical_block_size", defaults.logicalBlockSize(), 'b'),
                (int) list.size("physical_block_size", defaults.physicalBlockSize(), 'b'),
                list.flag("write-cache", node == null || node.writeCache()),
                list.flag("config-wce", defaults.configWce()), list.flag("discard", defaults.discard()),
                list.flag("write-zeroes", defaults.writeZeroes()),
                list.flag("request-merging", defaults.requestMerging()), policy(list, "rerror", node),
                policy(list, "werror", node));
        return new DeviceSettings.VirtioBlk(id, slot(list), node, options, virtio(list));
    }

    /** The device's word goes before the drive's. */
    private static ErrorPolicy policy(OptionList list, String key, BlockNode node) {
        String value = list.oneOf(key, "auto", "auto", "report", "ignore", "stop", "enospc");
        if (!value.equals("auto")) {
            return ErrorPolicy.valueOf(value.toUpperCase(Locale.ROOT));
        }
        if (node == null) {
            return ErrorPolicy.REPORT;
        }
        return key.equals("rerror") ? node.rerror() : node.werror();
    }

    private DeviceSettings rng(OptionList list) {
        String id = id(list);
        RandomSource source = list.string("rng").map(name -> Optional.ofNullable(sources.get(name)).orElseThrow(() ->
                list.refuse("there is no -object '" + name + "'" + Suggestion.hint(name, sources.keySet()))))
                .orElse(RandomSource.BUILT_IN);
        RngOptions defaults = RngOptions.DEFAULTS;
        RngOptions options = new RngOptions(list.number("max-bytes", defaults.maxBytes(), 1, Long.MAX_VALUE),
                list.number("period", defaults.period(), 1, Integer.MAX_VALUE));
        return new DeviceSettings.VirtioRng(id, slot(list), source, options, virtio(list));
    }

    private static DeviceSettings balloon(OptionList list) {
        return new DeviceSettings.VirtioBalloon(id(list), slot(list), new BalloonOptions(list.flag("deflate-on-oom", false),
                list.flag("free-page-reporting", false)), virtio(list));
    }

    private static DeviceSettings serial(OptionList list) {
        return new DeviceSettings.VirtioSerial(id(list), slot(list), new SerialOptions(
                integer(list, "max_ports", SerialOptions.DEFAULTS.maxPorts(), 1, 31),
                list.flag("emergency-write", SerialOptions.DEFAULTS.emergencyWrite())), virtio(list));
    }

    private static DeviceSettings port(OptionList list, boolean console) {
        return new DeviceSettings.VirtioPort(id(list), list.required("chardev"),
                integer(list, "nr", FIRST_FREE, FIRST_FREE, 30), list.string("name").orElse(""), console);
    }

    private static DeviceSettings debugExit(OptionList list) {
        return new DeviceSettings.IsaDebugExit(id(list), integer(list, "iobase", 0x501, 0, 0xffff),
                integer(list, "iosize", 2, 1, 4));
    }

    private static DeviceSettings debugcon(OptionList list) {
        return new DeviceSettings.IsaDebugcon(id(list), integer(list, "iobase", 0xe9, 0, 0xffff), list.required("chardev"));
    }

    /** The slot that {@code addr=} names in hexadecimal, with or without function 0. */
    private static int slot(OptionList list) {
        list.oneOf("bus", "pci.0", "pci.0");
        return list.string("addr").map(text -> {
            if (!text.matches("(0x)?[0-9a-fA-F]{1,2}(\\.0)?")) {
                throw list.refuse("'addr' is a PCI slot in hexadecimal such as 05 or 05.0, not '" + text + "'");
            }
            return Integer.parseInt(text.replaceFirst("^0x", "").replaceFirst("\\.0$", ""), 16);
        }).orElse(PciCard.ANY_SLOT);
    }

    private static VirtioOptions virtio(OptionList list) {
        VirtioOptions defaults = VirtioOptions.DEFAULTS;
        return new VirtioOptions(list.flag("packed", defaults.packed()), list.flag("event_idx", defaults.eventIdx()),
                list.flag("indirect_desc", defaults.indirectDesc()), integer(list, "vectors", defaults.vectors(), -1, 2048));
    }

    private static int integer(OptionList list, String key, int otherwise, int min, int max) {
        return (int) list.number(key, otherwise, min, max);
    }
}
