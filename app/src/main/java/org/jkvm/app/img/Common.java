package org.jkvm.app.img;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;

/** Options that mean the same in several commands. */
final class Common {
    static final String CACHES = "writeback, none, writethrough, directsync or unsafe";
    static final List<Syntax.Entry> QUIET = List.of(new Syntax.Entry(List.of("-q", "--quiet"), null,
            "Says nothing but errors."));
    static final List<Syntax.Entry> PROGRESS = List.of(new Syntax.Entry(List.of("-p", "--progress"), null,
            "Shows progress."));
    static final List<Syntax.Entry> OUTPUT = List.of(new Syntax.Entry(List.of("--output"), "FORM",
            "human (the default) or json."));

    private Common() {
    }

    /** Waits for a request. */
    static void await(CompletableFuture<?> request) throws IOException {
        try {
            request.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
    }

    /** The caching that an option names. */
    static CacheMode cache(String option, String name) {
        return switch (name) {
            case "unsafe" -> CacheMode.UNSAFE;
            case "writeback" -> CacheMode.WRITEBACK;
            case "none" -> CacheMode.NONE;
            case "writethrough" -> CacheMode.WRITETHROUGH;
            case "directsync" -> CacheMode.DIRECTSYNC;
            default -> throw new UserException(option + " " + name + ": " + CACHES + " is allowed");
        };
    }
}
