package org.jkvm.app.img;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.jkvm.base.UserException;
import org.jkvm.storage.Bitmaps;
import org.jkvm.storage.Image;
import org.jkvm.storage.ImageInfo;

/** {@code kvm-img convert --bitmaps}: the dirty bitmaps inside an image go where its contents go. */
final class BitmapCopy {
    private final Bitmaps from;
    private final List<ImageInfo.Bitmap> whole;

    private BitmapCopy(Bitmaps from, List<ImageInfo.Bitmap> whole) {
        this.from = from;
        this.whole = whole;
    }

    /**
     * Looks at what {@code source} has, before anything is copied.
     *
     * @param skipBroken bitmaps that were not closed properly are left out, and named on {@code err}
     * @throws UserException where the format has no bitmaps, or one is of no use and not to be left out
     */
    static BitmapCopy of(Image source, boolean skipBroken, PrintStream err) {
        Bitmaps from = source.bitmaps().orElseThrow(() -> new UserException("--bitmaps: image '" + source.path()
                + "' of format " + source.format() + " has no bitmaps inside: qcow2 images have"));
        List<ImageInfo.Bitmap> all = ImageCommand.on(source.path(), from::list);
        for (ImageInfo.Bitmap bitmap : all) {
            if (bitmap.inUse() && !skipBroken) {
                throw new UserException("bitmap '" + bitmap.name() + "' of '" + source.path() + "' was not closed"
                        + " properly and cannot be copied: --skip-broken-bitmaps leaves it out, 'kvm-img bitmap --remove'"
                        + " removes it");
            }
            if (bitmap.inUse()) {
                err.println("kvm-img: bitmap '" + bitmap.name() + "' was not closed properly and is left out");
            }
        }
        return new BitmapCopy(from, all.stream().filter(b -> !b.inUse()).toList());
    }

    /** Adds the bitmaps to {@code target}; after the contents, which they are not to record as changes. */
    void to(Image target) throws IOException {
        Bitmaps into = target.bitmaps().orElseThrow(() -> new IOException("--bitmaps: images of format "
                + target.format() + " have no bitmaps inside"));
        for (ImageInfo.Bitmap bitmap : whole) {
            into.add(bitmap.name(), bitmap.granularity());
            into.merge(bitmap.name(), from.contents(bitmap.name()));
            into.setEnabled(bitmap.name(), bitmap.auto());
        }
    }
}
