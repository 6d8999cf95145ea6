package org.jkvm.app.settings;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jkvm.app.cli.OptionList;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.OpenOptions;
import org.jkvm.storage.live.DetectZeroes;
import org.jkvm.storage.live.Limits;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads {@code -blockdev}s: a node of driver file names a host file; a node of driver raw or qcow2 stands on one, either
 * by its node name ({@code file=NAME}) or described in place ({@code file.driver=file,file.filename=...}).
 */
final class BlockdevSyntax {
    private static final List<String> DRIVERS = List.of("file", "raw", "qcow2");
    private final Map<String, HostFile> files = new LinkedHashMap<>();
    private final List<BlockNode> nodes = new ArrayList<>();

    /** A host file and how it is opened. */
    private record HostFile(String option, String name, Path path, boolean readOnly, CacheMode cache, boolean unmap,
                            DetectZeroes zeroes) {
    }

    /** Reads one; nodes that it refers to must have been read before. */
    void add(String text) {
        OptionList list = text.startsWith("{") ? json(text) : OptionList.parse("-blockdev", text, "driver");
        String driver = list.required("driver");
        if (!DRIVERS.contains(driver)) {
            throw list.refuse("'" + driver + "' is not a block driver; there are " + String.join(", ", DRIVERS)
                    + Suggestion.hint(driver, DRIVERS));
        }
        String name = list.required("node-name");
        if (files.containsKey(name) || nodes.stream().anyMatch(n -> n.name().equals(name))) {
            throw list.refuse("there is a node '" + name + "' already");
        }
        if (driver.equals("file")) {
            files.put(name, file(list, "", "-blockdev " + text, name));
        } else {
            nodes.add(format(list, driver, name));
        }
        list.end();
    }

    /** The disks: every format node, and every file that no format stands on, as raw. */
    List<BlockNode> nodes() {
        List<BlockNode> all = new ArrayList<>(nodes);
        files.values().forEach(f -> all.add(node(f, f.name, "raw", f.readOnly, f.cache, f.unmap, f.zeroes)));
        return all;
    }

    private BlockNode format(OptionList list, String driver, String name) {
        Optional<String> reference = list.string("file");
        HostFile file = reference.isPresent() ? referred(list, reference.get()) : described(list, name);
        boolean readOnly = list.flag("read-only", file.readOnly);
        return node(file, name, driver, readOnly, cache(list, "", file.cache), unmap(list, "", file.unmap),
                DriveTuning.detectZeroes(list));
    }

    private HostFile referred(OptionList list, String name) {
        HostFile file = files.remove(name);
        if (file == null) {
            throw list.refuse("there is no node '" + name + "'" + Suggestion.hint(name, files.keySet()));
        }
        return file;
    }

    private static HostFile described(OptionList list, String name) {
        String driver = list.required("file.driver");
        if (!driver.equals("file")) {
            throw list.refuse("file.driver must be file, not '" + driver + "'");
        }
        return file(list, "file.", "-blockdev " + name, name);
    }

    private static HostFile file(OptionList list, String prefix, String option, String name) {
        list.oneOf(prefix + "aio", "threads", "threads");
        Path path = Path.of(list.required(prefix + "filename"));
        return new HostFile(option, name, path, list.flag(prefix + "read-only", false),
                cache(list, prefix, CacheMode.WRITEBACK), unmap(list, prefix, true),
                prefix.isEmpty() ? DriveTuning.detectZeroes(list) : DetectZeroes.OFF);
    }

    private static CacheMode cache(OptionList list, String prefix, CacheMode otherwise) {
        boolean direct = list.flag(prefix + "cache.direct", otherwise == CacheMode.NONE);
        boolean noFlush = list.flag(prefix + "cache.no-flush", otherwise == CacheMode.UNSAFE);
        return noFlush ? CacheMode.UNSAFE : direct ? CacheMode.NONE : CacheMode.WRITEBACK;
    }

    private static boolean unmap(OptionList list, String prefix, boolean otherwise) {
        return list.oneOf(prefix + "discard", otherwise ? "unmap" : "ignore", "unmap", "ignore").equals("unmap");
    }

    private static BlockNode node(HostFile file, String name, String format, boolean readOnly, CacheMode cache,
                                  boolean unmap, DetectZeroes zeroes) {
        OpenOptions open = OpenOptions.defaults().withFormat(format).withReadOnly(readOnly).withCache(cache)
                .withUnmap(unmap);
        return new BlockNode(file.option, name, file.path, open, true, ErrorPolicy.REPORT, ErrorPolicy.ENOSPC,
                new DriveTuning(false, zeroes, Limits.NONE, ""));
    }

    private static OptionList json(String text) {
        try {
            Map<String, String> values = new LinkedHashMap<>();
            flatten("", JsonMapper.shared().readTree(text), values);
            return OptionList.of("-blockdev " + text, values);
        } catch (JacksonException e) {
            String why = e.getOriginalMessage().lines().findFirst().orElse("");
            throw new UserException("-blockdev " + text + ": not JSON: " + why, UserException.USAGE);
        }
    }

    /** {"file": {"driver": "x"}} becomes file.driver=x; true and false become on and off. */
    private static void flatten(String prefix, JsonNode node, Map<String, String> values) {
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            String key = prefix + entry.getKey();
            JsonNode value = entry.getValue();
            if (value.isObject()) {
                flatten(key + ".", value, values);
            } else {
                values.put(key, value.isBoolean() ? value.asBoolean() ? "on" : "off" : value.asString());
            }
        }
    }
}
