package org.jkvm.app.log;

import java.io.PrintStream;
import java.text.MessageFormat;
import java.util.Map;
import java.util.ResourceBundle;

/**
 * Where log messages go: errors always, and what befalls a disk; the rest as {@code -d} says; one line each, on the standard
 * error output or in the file of {@code -D}. The JDK makes one for the process.
 */
public final class Loggers extends System.LoggerFinder {
    private static final Map<String, System.Logger.Level> ALWAYS = Map.of("org.jkvm.storage.", System.Logger.Level.WARNING);

    private volatile Map<String, System.Logger.Level> levels = Map.of();
    private volatile PrintStream output = System.err;

    /** Made by the JDK. */
    public Loggers() {
        // Nothing is logged yet but what always is.
    }

    /**
     * Says what is logged, and where. Before the machine is made: its parts may ask once.
     *
     * @param logged beginnings of loggers' names, and from which level on their messages count
     */
    public void configure(Map<String, System.Logger.Level> logged, PrintStream to) {
        levels = Map.copyOf(logged);
        output = to;
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new Logger(name);
    }

    /** A named source of messages. */
    private final class Logger implements System.Logger {
        private final String name;

        Logger(String name) {
            this.name = name;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level.getSeverity() >= Level.ERROR.getSeverity() && level != Level.OFF
                    || isNamed(ALWAYS, level) || isNamed(levels, level);
        }

        private boolean isNamed(Map<String, Level> logged, Level level) {
            return logged.entrySet().stream().anyMatch(e -> name.startsWith(e.getKey())
                    && level.getSeverity() >= e.getValue().getSeverity());
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
            if (isLoggable(level)) {
                output.println(message + (thrown == null ? "" : ": " + thrown));
                if (thrown != null && level == Level.ERROR) {
                    thrown.printStackTrace(output);
                }
            }
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
            if (isLoggable(level)) {
                output.println(parameters == null || parameters.length == 0 ? format
                        : MessageFormat.format(format, parameters));
            }
        }
    }
}
