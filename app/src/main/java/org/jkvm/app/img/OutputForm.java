package org.jkvm.app.img;

import org.jkvm.base.UserException;
import picocli.CommandLine.Option;

/** The option {@code --output}. */
final class OutputForm {
    @Option(names = "--output", paramLabel = "FORM", description = "human (the default) or json.")
    private String output = "human";

    /** Whether output is to be JSON. */
    boolean json() {
        return switch (output) {
            case "human" -> false;
            case "json" -> true;
            default -> throw new UserException("--output=" + output + ": human or json is allowed");
        };
    }
}
