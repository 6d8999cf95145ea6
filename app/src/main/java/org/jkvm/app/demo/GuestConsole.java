package org.jkvm.app.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A virtual machine in a process of its own whose serial port is the process's standard input and output. */
public final class GuestConsole implements AutoCloseable {
    private static final String PANIC = "end Kernel panic";
    private static final int SHOWN_AT_FAILURE = 2000;

    private final Process process;
    private final StringBuilder output = new StringBuilder();
    private final OutputStream input;
    private int from;
    private boolean ended;

    /**
     * Starts one.
     *
     * @param echo where everything that the guest prints is copied to, or null
     */
    public GuestConsole(ProcessBuilder command, OutputStream echo) throws IOException {
        process = command.redirectErrorStream(true).start();
        input = process.getOutputStream();
        Thread.ofPlatform().daemon().name("guest-console").start(() -> collect(process.getInputStream(), echo));
    }

    private void collect(InputStream in, OutputStream echo) {
        byte[] bytes = new byte[4096];
        try {
            for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
                if (echo != null) {
                    echo.write(bytes, 0, n);
                    echo.flush();
                }
                append(new String(bytes, 0, n, StandardCharsets.ISO_8859_1));
            }
        } catch (IOException e) {
            append("\n[reading the console failed: " + e.getMessage() + "]\n");
        } finally {
            end();
        }
    }

    private synchronized void append(String text) {
        output.append(text);
        notifyAll();
    }

    private synchronized void end() {
        ended = true;
        notifyAll();
    }

    /**
     * Waits until what came since the last match holds {@code pattern}.
     *
     * @throws GuestFailure when it did not in time, or the machine ended before
     */
    public synchronized Matcher await(String pattern, Duration limit) throws InterruptedException, GuestFailure {
        Pattern compiled = Pattern.compile(pattern);
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            Matcher matcher = compiled.matcher(output).region(from, output.length());
            if (matcher.find()) {
                from = matcher.end();
                return matcher;
            }
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            boolean panicked = output.indexOf(PANIC, from) >= 0;
            if (left <= 0 || ended || panicked) {
                throw new GuestFailure((ended ? "the machine ended" : panicked ? "the kernel panicked"
                        : "not in " + limit.toSeconds() + " s")
                        + ", waiting for '" + pattern + "'; the console's end:\n" + tail());
            }
            wait(left);
        }
    }

    private String tail() {
        return output.substring(Math.max(0, output.length() - SHOWN_AT_FAILURE)).replace("\r", "");
    }

    /** Types a line. */
    public void type(String line) throws IOException {
        input.write((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
        input.flush();
    }

    /**
     * Waits for the process to end.
     *
     * @return its exit status
     */
    public int awaitExit(Duration limit) throws InterruptedException, GuestFailure {
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new GuestFailure("the machine did not end in " + limit.toSeconds() + " s; the console's end:\n" + tail());
        }
        return process.exitValue();
    }

    /** The processor time that the process has used so far; zero when it has ended, or the host does not tell. */
    public Duration processorTime() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** The process's number. */
    public long pid() {
        return process.pid();
    }

    /** Everything that came so far. */
    public synchronized String output() {
        return output.toString();
    }

    /** Ends the process where it still runs. */
    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** The guest did not do what was expected. */
    public static final class GuestFailure extends Exception {
        private static final long serialVersionUID = 1L;

        /** Says what was expected and what came. */
        public GuestFailure(String message) {
            super(message);
        }
    }
}
