package org.jkvm.app.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jkvm.app.cli.Sizes;
import org.jkvm.base.UserException;

/** The words of a monitor command: flags, then arguments. What is missing or left over is refused. */
final class Words {
    private final List<String> words;

    Words(String text) {
        words = new ArrayList<>(text.isBlank() ? List.of() : List.of(text.strip().split("\\s+")));
    }

    /** Whether flag {@code name}, such as "-n", is given. */
    boolean flag(String name) {
        return words.remove(name);
    }

    /** The next argument; {@code what} names it. */
    String next(String what) {
        if (words.isEmpty()) {
            throw new UserException("Parameter '" + what + "' is missing");
        }
        return words.removeFirst();
    }

    /** The next argument, or {@code otherwise} where there is no more. */
    String next(String what, String otherwise) {
        return words.isEmpty() ? otherwise : next(what);
    }

    /** The next argument as a size; a number without a suffix counts {@code suffix}es. */
    long size(String what, char suffix) {
        String text = next(what);
        OptionalLong size = Sizes.parse(text, suffix);
        return size.orElseThrow(() -> new UserException("'" + what + "' is a size such as 512M or 2G, not '" + text + "'"));
    }

    /** Refuses what is left. */
    void end() {
        if (!words.isEmpty()) {
            throw new UserException("extraneous characters at the end of line: '" + String.join(" ", words) + "'");
        }
    }
}
