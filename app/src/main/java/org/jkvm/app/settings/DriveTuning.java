package org.jkvm.app.settings;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.jkvm.app.cli.OptionList;
import org.jkvm.base.UserException;
import org.jkvm.storage.live.DetectZeroes;
import org.jkvm.storage.live.Limits;

/**
 * What happens to requests between the guest and a disk's image.
 *
 * @param temporary    writes are lost at the end: {@code snapshot=on}
 * @param detectZeroes what becomes of zeroes that the guest writes
 * @param limits       how much it may ask for
 * @param group        drives of the same group share their limits; empty where it is alone
 */
public record DriveTuning(boolean temporary, DetectZeroes detectZeroes, Limits limits, String group) {
    /** Nothing out of the ordinary. */
    static final DriveTuning DEFAULTS = new DriveTuning(false, DetectZeroes.OFF, Limits.NONE, "");

    /** Reads {@code snapshot}, {@code detect-zeroes} and {@code throttling.*}. */
    static DriveTuning read(OptionList list, boolean snapshots) {
        return new DriveTuning(list.flag("snapshot", snapshots), detectZeroes(list), limits(list),
                list.string("throttling.group").orElse(""));
    }

    /** Reads {@code detect-zeroes}. */
    static DetectZeroes detectZeroes(OptionList list) {
        return DetectZeroes.valueOf(list.oneOf("detect-zeroes", "off", "off", "on", "unmap").toUpperCase(Locale.ROOT));
    }

    private static Limits limits(OptionList list) {
        Map<Limits.Kind, Limits.Bucket> buckets = new EnumMap<>(Limits.Kind.class);
        for (Limits.Kind kind : Limits.Kind.values()) {
            String key = "throttling." + kind.property();
            Limits.Bucket bucket = new Limits.Bucket(list.number(key, 0, 0, Long.MAX_VALUE),
                    list.number(key + "-max", 0, 0, Long.MAX_VALUE),
                    list.number(key + "-max-length", 1, 1, Integer.MAX_VALUE));
            if (bucket.rate() != 0 || bucket.max() != 0 || bucket.burstLength() != 1) {
                buckets.put(kind, bucket);
            }
        }
        long iopsSize = list.number("throttling.iops-size", 0, 0, Long.MAX_VALUE);
        try {
            return new Limits(buckets, iopsSize);
        } catch (UserException e) {
            throw list.refuse("throttling: " + e.getMessage());
        }
    }
}
