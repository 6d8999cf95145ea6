package org.jkvm.app;

/** What this is. */
public final class Version {
    private static final String NUMBER = "0.1.0";

    private Version() {
    }

    /** The version number. */
    public static String number() {
        return NUMBER;
    }

    /** One line for {@code -version}. */
    public static String text() {
        return "jkvm version " + NUMBER + " (Java " + Runtime.version().feature() + ")";
    }
}
