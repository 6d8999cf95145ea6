package org.jkvm.app.img;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jkvm.storage.CheckResult;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.ImageInfo;
import org.jkvm.storage.nbd.NbdAddress;

/** What programs read: the members of {@code qemu-img info --output=json} and {@code check --output=json}. */
final class InfoJson {
    private static final long NANOS = 1_000_000_000;

    private InfoJson() {
    }

    static Map<String, Object> of(ImageInfo info) {
        Map<String, Object> tree = new LinkedHashMap<>();
        if (!info.snapshots().isEmpty()) {
            tree.put("snapshots", info.snapshots().stream().map(InfoJson::snapshot).toList());
        }
        tree.put("virtual-size", info.virtualSize());
        tree.put("filename", NbdAddress.readable(info.path().toString()));
        if (info.clusterSize() > 0) {
            tree.put("cluster-size", info.clusterSize());
        }
        tree.put("format", info.format());
        tree.put("actual-size", info.actualSize());
        info.specific().ifPresent(s -> tree.put("format-specific", specific(s)));
        info.backing().ifPresent(b -> backing(tree, b));
        if (info.encrypted()) {
            tree.put("encrypted", true);
        }
        tree.put("dirty-flag", info.dirty());
        return tree;
    }

    private static Map<String, Object> snapshot(ImageInfo.Snapshot s) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("id", s.id());
        tree.put("name", s.name());
        tree.put("vm-state-size", s.vmStateSize());
        tree.put("date-sec", s.dateSeconds());
        tree.put("date-nsec", s.dateNanos());
        tree.put("vm-clock-sec", s.vmClockNanos() / NANOS);
        tree.put("vm-clock-nsec", s.vmClockNanos() % NANOS);
        if (s.icount() >= 0) {
            tree.put("icount", s.icount());
        }
        return tree;
    }

    private static Map<String, Object> specific(FormatInfo specific) {
        Map<String, Object> typed = new LinkedHashMap<>();
        typed.put("type", specific.type());
        typed.put("data", specific.tree());
        return typed;
    }

    private static void backing(Map<String, Object> tree, ImageInfo.Backing backing) {
        tree.put("backing-filename", backing.name());
        tree.put("full-backing-filename", NbdAddress.readable(backing.path().toString()));
        if (backing.format() != null) {
            tree.put("backing-filename-format", backing.format());
        }
    }

    static Map<String, Object> of(Path path, String format, CheckResult result) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("image-end-offset", result.imageEndOffset());
        tree.put("total-clusters", result.totalClusters());
        tree.put("check-errors", result.checkErrors());
        putFound(tree, "corruptions", result.corruptions());
        putFound(tree, "leaks", result.leaks());
        putFound(tree, "allocated-clusters", result.allocatedClusters());
        putFound(tree, "fragmented-clusters", result.fragmentedClusters());
        putFound(tree, "compressed-clusters", result.compressedClusters());
        tree.put("filename", path.toString());
        tree.put("format", format);
        return tree;
    }

    private static void putFound(Map<String, Object> tree, String name, long count) {
        if (count > 0) {
            tree.put(name, count);
        }
    }
}
