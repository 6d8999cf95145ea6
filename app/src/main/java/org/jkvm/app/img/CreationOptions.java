package org.jkvm.app.img;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jkvm.app.cli.Sizes;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.CreateOptions.Preallocation;
import org.jkvm.storage.Images;

/** The values of {@code -o}, by qemu-img's names. */
final class CreationOptions {
    /** Formats whose values are put together here; those of others are passed on. */
    private static final List<String> COMMON = List.of("raw", "qcow2");
    private static final Map<String, String> RAW = table(
            "preallocation", "off, falloc or full",
            "size", "bytes of the disk, or a number with one of k M G T P E");
    private static final Map<String, String> QCOW2 = table(
            "backing_file", "the backing file",
            "backing_fmt", "its format",
            "cluster_size", "a power of two from 512 to 2M; 64k unless given",
            "compat", "1.1 or v3 (the default), 0.10 or v2",
            "compression_type", "zlib (the default) or zstd",
            "lazy_refcounts", "on, which lets programs postpone updates of reference counts, or off (the default)",
            "preallocation", "off, metadata, falloc or full",
            "refcount_bits", "a power of two from 1 to 64; 16 unless given",
            "size", "bytes of the disk, or a number with one of k M G T P E");

    private final String format;
    private final Map<String, String> known;
    private final Map<String, String> values = new LinkedHashMap<>();
    private boolean help;

    /** Takes the arguments of all {@code -o}. */
    CreationOptions(String format, List<String> arguments) {
        this(format, arguments, Map.of());
    }

    /** The same; beside those of the format there are {@code more} options, each with its meaning. */
    CreationOptions(String format, List<String> arguments, Map<String, String> more) {
        this.format = format;
        this.known = known(format);
        known.putAll(more);
        arguments.forEach(argument -> split(argument).forEach(this::take));
    }

    private static Map<String, String> known(String format) {
        Map<String, String> known = new TreeMap<>(format.equals("raw") ? RAW : format.equals("qcow2") ? QCOW2
                : Map.of("size", RAW.get("size")));
        known.putAll(Images.creationOptions(format));
        return known;
    }

    private static Map<String, String> table(String... pairs) {
        Map<String, String> table = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            table.put(pairs[i], pairs[i + 1]);
        }
        return table;
    }

    /** Splits at commas; two commas stand for one in a value. */
    private static List<String> split(String argument) {
        List<String> parts = new ArrayList<>(List.of(""));
        for (int i = 0; i < argument.length(); i++) {
            char c = argument.charAt(i);
            if (c == ',' && !argument.startsWith(",,", i)) {
                parts.add("");
            } else {
                parts.addLast(parts.removeLast() + c);
                i += c == ',' ? 1 : 0;
            }
        }
        return parts;
    }

    private void take(String part) {
        int equals = part.indexOf('=');
        if (part.equals("help") || part.equals("?")) {
            help = true;
        } else if (equals < 0) {
            throw new UserException("-o " + part + ": NAME=VALUE is expected");
        } else {
            put(part.substring(0, equals), part.substring(equals + 1));
        }
    }

    boolean help() {
        return help;
    }

    String helpText() {
        StringBuilder text = new StringBuilder("Supported " + format + " options:\n");
        known.forEach((name, meaning) -> text.append(String.format("  %-18s %s%n", name + "=", meaning)));
        return text.toString();
    }

    void put(String name, String value) {
        if (!known.containsKey(name)) {
            throw new UserException("format " + format + " has no option '" + name + "'; it has "
                    + String.join(", ", known.keySet()) + Suggestion.hint(name, known.keySet()));
        }
        values.put(name, value);
    }

    /** The same for a value that may be null: then nothing happens. */
    void putGiven(String name, String value) {
        if (value != null) {
            put(name, value);
        }
    }

    /** The names of all that is given. */
    List<String> names() {
        return List.copyOf(values.keySet());
    }

    /** The value as given, or null. */
    String get(String name) {
        return values.get(name);
    }

    private UserException wrong(String name) {
        return new UserException(name + "=" + get(name) + " is not allowed; allowed is " + known.get(name));
    }

    private boolean on(String name) {
        return switch (values.getOrDefault(name, "off")) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw wrong(name);
        };
    }

    /** A number, or one with k, M or G, above zero. */
    int number(String name, int otherwise) {
        if (get(name) == null) {
            return otherwise;
        }
        OptionalLong value = Sizes.parse(get(name), 'b');
        if (value.isEmpty() || value.getAsLong() > Integer.MAX_VALUE || value.getAsLong() <= 0) {
            throw wrong(name);
        }
        return (int) value.getAsLong();
    }

    /** The version of a qcow2 image: 2 or 3. */
    int version() {
        return switch (values.getOrDefault("compat", "1.1")) {
            case "1.1", "v3" -> 3;
            case "0.10", "v2" -> 2;
            default -> throw wrong("compat");
        };
    }

    private boolean zstd() {
        return switch (values.getOrDefault("compression_type", "zlib")) {
            case "zlib" -> false;
            case "zstd" -> true;
            default -> throw wrong("compression_type");
        };
    }

    private Preallocation preallocation() {
        return switch (values.getOrDefault("preallocation", "off")) {
            case "off" -> Preallocation.OFF;
            case "metadata" -> Preallocation.METADATA;
            case "falloc" -> Preallocation.FALLOC;
            case "full" -> Preallocation.FULL;
            default -> throw wrong("preallocation");
        };
    }

    /** All values checked and put together. */
    CreateOptions build(long size, String backingFile, String backingFormat) {
        if (!COMMON.contains(format)) {
            return other(size, backingFile, backingFormat);
        }
        return new CreateOptions(format, size, preallocation(), number("cluster_size", CreateOptions.DEFAULT_CLUSTER_SIZE),
                version(), number("refcount_bits", 16), on("lazy_refcounts"), zstd(), backingFile, backingFormat)
                .withMore(more());
    }

    /** The id of the secret that encrypts the image, or null. */
    String secret() {
        return values.getOrDefault("encrypt.key-secret", get("key-secret"));
    }

    /** What the format alone knows. */
    private Map<String, String> more() {
        Map<String, String> more = new LinkedHashMap<>(values);
        more.keySet().retainAll(Images.creationOptions(format).keySet());
        return more;
    }

    private CreateOptions other(long size, String backingFile, String backingFormat) {
        Map<String, String> more = more();
        more.keySet().removeAll(List.of("backing_file", "backing_fmt"));
        return CreateOptions.over(backingFile, backingFormat, size).withFormat(format).withMore(more);
    }

    /** The options as qemu-img prints them when it makes an image. */
    String describe(CreateOptions o) {
        String preallocation = get("preallocation") == null ? ""
                : " preallocation=" + o.preallocation().name().toLowerCase(Locale.ROOT);
        if (!COMMON.contains(format)) {
            return " size=" + o.size() + values.entrySet().stream().filter(e -> !e.getKey().equals("size"))
                    .map(e -> " " + e.getKey() + "=" + e.getValue()).collect(Collectors.joining());
        }
        if (format.equals("raw")) {
            return " size=" + o.size() + preallocation;
        }
        return " cluster_size=" + o.clusterSize() + " extended_l2=" + (o.flag("extended_l2") ? "on" : "off")
                + preallocation + " compression_type=" + (o.zstd() ? "zstd" : "zlib") + " size=" + o.size()
                + (get("compat") == null ? "" : " compat=" + get("compat"))
                + (o.backingFile() == null ? "" : " backing_file=" + o.backingFile() + " backing_fmt=" + o.backingFormat())
                + " lazy_refcounts=" + (o.lazyRefcounts() ? "on" : "off") + " refcount_bits=" + o.refcountBits()
                + o.more().entrySet().stream().filter(e -> !e.getKey().equals("extended_l2"))
                .map(e -> " " + e.getKey() + "=" + e.getValue()).collect(Collectors.joining());
    }
}
