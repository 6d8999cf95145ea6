package org.jkvm.app.img;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kvm-img info}. */
@Command(name = "info", description = "Says what an image is.", sortOptions = false)
final class InfoCommand extends ImageCommand {
    private final PrintStream out;

    @Mixin
    private OutputForm form = new OutputForm();

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; found out unless given.")
    private String format;

    @Option(names = "--backing-chain", description = "Shows the backing files too.")
    private boolean chain;

    @Option(names = {"-U", "--force-share"}, description = "Looks at the image even where it is in use.")
    private boolean forceShare;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "The image.")
    private List<Path> files;

    InfoCommand(PrintStream out) {
        this.out = out;
    }

    @Override
    int run() {
        boolean json = form.json();
        List<ImageInfo> infos = chain(single(files), format(format));
        if (json) {
            List<Object> trees = List.copyOf(infos.stream().map(InfoJson::of).toList());
            out.println(Json.text(chain ? trees : trees.getFirst()));
        } else {
            out.print(String.join("\n", infos.stream().map(InfoText::of).toList()));
        }
        return 0;
    }

    private List<ImageInfo> chain(Path path, String firstFormat) {
        List<ImageInfo> infos = new ArrayList<>();
        Set<Path> seen = new HashSet<>();
        Path next = path;
        String nextFormat = firstFormat;
        while (next != null) {
            if (!seen.add(next.toAbsolutePath().normalize())) {
                throw new UserException("backing files of image '" + path + "' form a circle at '" + next + "'");
            }
            ImageInfo info = info(next, nextFormat);
            infos.add(info);
            ImageInfo.Backing below = chain ? info.backing().orElse(null) : null;
            next = below == null ? null : below.path();
            nextFormat = below == null ? null : below.format();
        }
        return infos;
    }

    private ImageInfo info(Path path, String imageFormat) {
        OpenOptions options = OpenOptions.defaults().withFormat(imageFormat).withForceShare(forceShare);
        try (Image image = Images.inspect(path, options)) {
            return on(path, image::info);
        }
    }
}
