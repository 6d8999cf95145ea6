package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jkvm.base.UserException;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;

/** {@code kvm-img info}. */
final class InfoCommand extends ImageCommand {
    private final boolean chain = given.has("--backing-chain");

    InfoCommand(Words given, Console console) {
        super(given, console);
    }

    static Syntax syntax() {
        return Syntax.of("info", "FILE", "Says what an image is.")
                .with(Source.OPTIONS)
                .flag("--backing-chain", "Shows the backing files too.")
                .with(Common.OUTPUT);
    }

    @Override
    boolean onlyLooks() {
        return true;
    }

    @Override
    int run() {
        boolean json = json();
        List<ImageInfo> infos = chain(single());
        if (json) {
            List<Object> trees = List.copyOf(infos.stream().map(InfoJson::of).toList());
            out.println(Json.text(chain ? trees : trees.getFirst()));
        } else {
            out.print(String.join("\n", infos.stream().map(InfoText::of).toList()));
        }
        return 0;
    }

    private List<ImageInfo> chain(Path path) {
        List<ImageInfo> infos = new ArrayList<>();
        Set<Path> seen = new HashSet<>();
        Path next = path;
        String nextFormat = given.get("-f");
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
        try (Image image = new Source(given).inspect(path, imageFormat)) {
            return on(path, image::info);
        }
    }
}
