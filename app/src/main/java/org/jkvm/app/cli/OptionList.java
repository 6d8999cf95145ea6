package org.jkvm.app.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jkvm.base.UserException;

/**
 * An option's argument of the form {@code first,key=value,flag,noflag}, where {@code ,,} stands for a comma in a value.
 * Its user asks for every key that it knows and then calls {@link #end}, which refuses the others: so what is accepted
 * is what somebody reads.
 */
public final class OptionList {
    private final String context;
    private final Map<String, String> values = new LinkedHashMap<>();
    private final Set<String> known = new LinkedHashSet<>();
    private final List<String> described = new ArrayList<>();
    private boolean describing;

    private OptionList(String context) {
        this.context = context;
    }

    /**
     * A list that gives everybody what they ask for, to find out what that is: {@link #descriptions} then lists it.
     */
    public static OptionList describing(String context) {
        OptionList list = new OptionList(context);
        list.describing = true;
        return list;
    }

    /** One "key=<what it may be>" for every key asked for so far. */
    public List<String> descriptions() {
        return List.copyOf(described);
    }

    /** Whether this is one made by {@link #describing}: nothing in it is the user's. */
    public boolean isDescribing() {
        return describing;
    }

    private Optional<String> take(String key, String description) {
        known.add(key);
        described.add(key + "=" + description);
        return Optional.ofNullable(values.remove(key));
    }

    /**
     * Splits {@code text}.
     *
     * @param option   the option's name, for messages
     * @param firstKey the key that a first word without "=" is the value of; null where there is none
     * @throws UserException where a word can't be understood
     */
    public static OptionList parse(String option, String text, String firstKey) {
        OptionList list = new OptionList(option + " " + text);
        int at = 0;
        while (at < text.length()) {
            StringBuilder word = new StringBuilder();
            at = word(text, at, word);
            list.add(word.toString(), list.values.isEmpty() ? firstKey : null);
        }
        return list;
    }

    /** A list of given values, as from JSON. */
    public static OptionList of(String context, Map<String, String> values) {
        OptionList list = new OptionList(context);
        list.values.putAll(values);
        return list;
    }

    /** Reads a word up to a single comma; returns where the next one begins. */
    private static int word(String text, int from, StringBuilder word) {
        int at = from;
        while (at < text.length()) {
            if (text.charAt(at) == ',') {
                if (at + 1 >= text.length() || text.charAt(at + 1) != ',') {
                    return at + 1;
                }
                at++;
            }
            word.append(text.charAt(at++));
        }
        return at;
    }

    private void add(String word, String firstKey) {
        int equals = word.indexOf('=');
        if (equals == 0 || word.isEmpty()) {
            throw refuse("expected key=value, not '" + word + "'");
        }
        if (equals > 0) {
            values.put(word.substring(0, equals), word.substring(equals + 1));
        } else if (firstKey != null) {
            values.put(firstKey, word);
        } else {
            flag(word);
        }
    }

    /** A bare word is a flag that is on, or off where it begins with "no". */
    private void flag(String word) {
        if (word.startsWith("no") && word.length() > 2) {
            values.put(word.substring(2), "off");
        } else {
            values.put(word, "on");
        }
    }

    /** The failure of this option: its text, then {@code message}. */
    public UserException refuse(String message) {
        return new UserException(context + ": " + message);
    }

    /** The failure of this option's form: the command line is at fault. */
    public UserException misuse(String message) {
        return new UserException(context + ": " + message, UserException.USAGE);
    }

    /** Whether the user asks what there is. */
    public boolean asksForHelp() {
        return values.containsKey("help") || values.containsKey("?") || values.containsValue("help")
                || values.containsValue("?");
    }

    /** A value. */
    public Optional<String> string(String key) {
        return take(key, "<text>");
    }

    /** Refuses a list without {@code key}. */
    public void require(String key) {
        if (!values.containsKey(key)) {
            throw misuse("needs " + key + "=");
        }
    }

    /** Adds a value. */
    OptionList with(String key, String value) {
        values.put(key, value);
        return this;
    }

    /** A value that must be there. */
    public String required(String key) {
        Optional<String> value = take(key, "<text>, must be given");
        return describing ? "" : value.orElseThrow(() -> misuse("needs " + key + "="));
    }

    /** A switch: on/off, yes/no, true/false. */
    public boolean flag(String key, boolean otherwise) {
        return take(key, "on|off (default: " + (otherwise ? "on" : "off") + ")").map(value -> switch (value) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw refuse("'" + key + "' is on or off, not '" + value + "'");
        }).orElse(otherwise);
    }

    /** A whole number from {@code min} to {@code max}; 0x for hexadecimal. */
    public long number(String key, long otherwise, long min, long max) {
        Optional<String> text = take(key, "<" + min + " to " + max + "> (default: " + otherwise + ")");
        if (text.isEmpty()) {
            return otherwise;
        }
        try {
            long value = Long.decode(text.get());
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the same message as a number out of range.
            known.add(key);
        }
        throw refuse("'" + key + "' is a number from " + min + " to " + max + ", not '" + text.get() + "'");
    }

    /** A size in bytes; numbers without suffix count {@code suffix}es. */
    public long size(String key, long otherwise, char suffix) {
        Optional<String> text = take(key, "<size> (default: " + otherwise + ")");
        if (text.isEmpty()) {
            return otherwise;
        }
        OptionalLong size = Sizes.parse(text.get(), suffix);
        return size.orElseThrow(() -> refuse("'" + key + "' is a size such as 512M or 2G (k, M, G, T, P, E), not '"
                + text.get() + "'"));
    }

    /** One of the words in {@code allowed}. */
    public String oneOf(String key, String otherwise, String... allowed) {
        String value = take(key, String.join("|", allowed) + " (default: " + otherwise + ")").orElse(otherwise);
        if (!Arrays.asList(allowed).contains(value)) {
            throw refuse("'" + key + "' is one of " + String.join(", ", allowed) + ", not '" + value + "'");
        }
        return value;
    }

    /** Refuses what nobody asked for. To be called when all keys have been read. */
    public void end() {
        if (values.isEmpty()) {
            return;
        }
        String key = values.keySet().iterator().next();
        throw misuse("no property '" + key + "'" + Suggestion.nearest(key, known)
                .map(c -> "; did you mean '" + c + "'?").orElse(" (there are: " + String.join(", ", known) + ")"));
    }
}
