package org.jkvm.app.img;

import java.nio.file.Path;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import picocli.CommandLine.Option;

/** How an image that is only read is opened. */
final class SourceOptions {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; found out unless given.")
    private String format;

    @Option(names = {"-U", "--force-share"}, description = "Looks at the image even where it is in use.")
    private boolean forceShare;

    /** Opens the image and its backing files, read-only. */
    Image open(Path path) {
        return open(path, format);
    }

    /** The same, in another format. */
    Image open(Path path, String otherFormat) {
        return Images.open(path, OpenOptions.defaults().withFormat(ImageCommand.format(otherFormat)).withReadOnly(true)
                .withForceShare(forceShare));
    }
}
