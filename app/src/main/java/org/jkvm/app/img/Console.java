package org.jkvm.app.img;

import java.io.PrintStream;

/** Where a command's answers go, and its complaints. */
record Console(PrintStream out, PrintStream err) {
}
