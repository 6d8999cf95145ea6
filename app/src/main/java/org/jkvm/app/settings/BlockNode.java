package org.jkvm.app.settings;

import java.nio.file.Path;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.storage.OpenOptions;

/**
 * A virtual hard disk that devices refer to by its name.
 *
 * @param option     the option that described it, for messages
 * @param name       its id or node name
 * @param file       the image
 * @param open       how the image is opened
 * @param writeCache whether the guest's writes are durable only after a flush
 * @param rerror     what a failed read does
 * @param werror     what a failed write does
 * @param tuning     what happens to requests on their way to the image
 */
public record BlockNode(String option, String name, Path file, OpenOptions open, boolean writeCache, ErrorPolicy rerror,
                        ErrorPolicy werror, DriveTuning tuning) {
}
