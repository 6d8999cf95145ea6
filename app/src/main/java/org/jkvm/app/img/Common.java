package org.jkvm.app.img;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jkvm.base.UserException;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.OpenOptions;

/** Options that mean the same in several commands. */
final class Common {
    static final String CACHES = "writeback, none, writethrough, directsync or unsafe";
    static final List<Syntax.Entry> QUIET = List.of(new Syntax.Entry(List.of("-q", "--quiet"), null,
            "Says nothing but errors."));
    static final List<Syntax.Entry> PROGRESS = List.of(new Syntax.Entry(List.of("-p", "--progress"), null,
            "Shows progress."));
    static final List<Syntax.Entry> OUTPUT = List.of(new Syntax.Entry(List.of("--output"), "FORM",
            "human (the default) or json."));

    static final List<Syntax.Entry> WRITING = List.of(
            new Syntax.Entry(List.of("-f"), "FORMAT", "The image's format; found out unless given."),
            new Syntax.Entry(List.of("-t"), "CACHE", "The image's caching: " + CACHES + "; writeback unless given."),
            Secrets.OPTIONS.getFirst());

    private Common() {
    }

    /** How an image is opened to be changed. */
    static OpenOptions writing(Words given) {
        return OpenOptions.defaults().withFormat(ImageCommand.format(given.get("-f")))
                .withCache(cache("-t", given.get("-t", "writeback"))).withSecret(new Secrets(given).other(null));
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
