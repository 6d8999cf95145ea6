package org.jkvm.app.img;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jkvm.app.cli.Suggestion;
import org.jkvm.base.UserException;

/**
 * One command's words, read by its {@link Syntax} as getopt_long(3) does: {@code -f raw}, {@code -fraw}, {@code -pq},
 * {@code --output json}, {@code --output=json}; {@code --} ends options; options and operands may be mixed.
 */
final class Words {
    private final Syntax syntax;
    private final Map<String, List<String>> options = new LinkedHashMap<>();
    private final List<String> operands = new ArrayList<>();

    private Words(Syntax syntax) {
        this.syntax = syntax;
    }

    /**
     * Reads {@code words}, those behind the command.
     *
     * @throws UserException where one of them is not understood
     */
    static Words read(Syntax syntax, List<String> words) {
        Words read = new Words(syntax);
        int at = 0;
        while (at < words.size()) {
            String word = words.get(at);
            if (word.equals("--")) {
                read.operands.addAll(words.subList(at + 1, words.size()));
                break;
            }
            at = word.startsWith("-") && word.length() > 1 ? read.option(words, at) : read.operand(words, at);
        }
        return read;
    }

    private int operand(List<String> words, int at) {
        operands.add(words.get(at));
        return at + 1;
    }

    /** Reads the option at {@code at}; returns where the next word is. */
    private int option(List<String> words, int at) {
        String word = words.get(at);
        int equals = word.indexOf('=');
        String name = equals > 0 && word.startsWith("--") ? word.substring(0, equals) : word;
        Syntax.Entry entry = entry(name);
        if (entry == null) {
            return word.startsWith("--") || !cluster(words, at) ? unknown(words, at) : afterCluster(words, at);
        }
        if (!entry.takesArgument()) {
            refuseValue(entry, name, word);
            put(entry, "");
            return at + 1;
        }
        if (name.length() < word.length()) {
            put(entry, word.substring(equals + 1));
            return at + 1;
        }
        return argument(entry, words, at + 1);
    }

    private static void refuseValue(Syntax.Entry entry, String name, String word) {
        if (name.length() < word.length()) {
            throw new UserException("option '" + entry.key() + "' takes no argument ('" + word + "')");
        }
    }

    private int argument(Syntax.Entry entry, List<String> words, int at) {
        if (at >= words.size()) {
            throw new UserException("option '" + entry.key() + "' needs an argument: " + entry.argument());
        }
        put(entry, words.get(at));
        return at + 1;
    }

    /** Whether the word is several one-letter options in one. */
    private boolean cluster(List<String> words, int at) {
        return entry(words.get(at).substring(0, 2)) != null;
    }

    private int afterCluster(List<String> words, int at) {
        String word = words.get(at);
        for (int i = 1; i < word.length(); i++) {
            Syntax.Entry entry = entry("-" + word.charAt(i));
            if (entry == null) {
                return unknown(words, at);
            }
            if (entry.takesArgument()) {
                if (i + 1 == word.length()) {
                    return argument(entry, words, at + 1);
                }
                put(entry, word.substring(i + 1));
                return at + 1;
            }
            put(entry, "");
        }
        return at + 1;
    }

    /** A number with a minus sign is an operand ({@code resize FILE -1G}); anything else is a mistake. */
    private int unknown(List<String> words, int at) {
        String word = words.get(at);
        if (Character.isDigit(word.charAt(1))) {
            return operand(words, at);
        }
        String name = word.startsWith("--") ? word.replaceFirst("=.*", "") : word;
        throw new UserException("unknown option '" + name + "'" + Suggestion.hint(name, syntax.names()) + "; 'kvm-img "
                + syntax.command() + " -h' lists them");
    }

    private Syntax.Entry entry(String name) {
        return syntax.entries().stream().filter(e -> e.names().contains(name)).findFirst().orElse(null);
    }

    private void put(Syntax.Entry entry, String value) {
        options.computeIfAbsent(entry.key(), _ -> new ArrayList<>()).add(value);
    }

    /** Whether an option is there. */
    boolean has(String key) {
        return options.containsKey(key);
    }

    /** An option's argument, the last one where it is given several times; null where it is not there. */
    String get(String key) {
        List<String> values = options.get(key);
        return values == null ? null : values.getLast();
    }

    /** An option's argument, or what holds without it. */
    String get(String key, String otherwise) {
        String value = get(key);
        return value == null ? otherwise : value;
    }

    /** The arguments of all of an option. */
    List<String> all(String key) {
        return options.getOrDefault(key, List.of());
    }

    /** The options that are there, in the order of their first appearance. */
    List<String> keys() {
        return List.copyOf(options.keySet());
    }

    /** What is not an option. */
    List<String> operands() {
        return operands;
    }
}
