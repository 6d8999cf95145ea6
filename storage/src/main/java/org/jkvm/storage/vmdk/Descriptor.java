package org.jkvm.storage.vmdk;

import static org.jkvm.storage.layer.Bytes.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jkvm.storage.FormatInfo;
import org.jkvm.storage.layer.Bytes;
import org.jkvm.storage.layer.ImageFile;

/**
 * The text that describes a disk (VMware, Virtual Disk Format 5.0, "The Descriptor File"): what it is made of, and the
 * parent that it stands on.
 *
 * @param createType what kind of disk it is
 * @param extents its parts, in order
 * @param parent the parent's file name, or null
 * @param parentCid the content id that the parent had when this disk was made
 * @param contentId its own content id, which changes when the disk does; empty where it has none
 * @param cid where the digits of the content id are in the file, or -1
 */
record Descriptor(String createType, List<Extent> extents, String parent, String parentCid, String contentId,
        long cid) {
    static final String START = "# Disk DescriptorFile";
    private static final int MAX_LENGTH = 1 << 20;
    private static final int MAX_EXTENTS = 4096;
    private static final int CID_DIGITS = 8;
    /** Several times as long as any that the specification has. */
    private static final int MAX_CREATE_TYPE = 127;
    // Possessive throughout: a hostile line of a mebibyte is looked at once and not once for each way to split its blanks.
    private static final Pattern EXTENT = Pattern.compile(
            "(RW|RDONLY|NOACCESS)\\s++(\\d{1,18}+)\\s++([A-Z]++)(?:\\s++\"([^\"]*+)\"(?:\\s++(\\d{1,18}+))?+)?+.*");
    private static final Pattern VALUE = Pattern.compile("([A-Za-z.]++)\\s*+=\\s*+\"?+([^\"]*+)\"?+");
    private static final Pattern HEX = Pattern.compile("[0-9a-fA-F]{1,8}");
    private static final Pattern CID = Pattern.compile("(?m)^CID=([0-9a-fA-F]{1,8})[ \\t\\r]*+$");

    /** A part: its length and its place in its file in sectors. */
    record Extent(String access, long sectors, String type, String file, long offset) {
    }

    static Descriptor read(ImageFile file, long offset, long length) throws IOException {
        require(length > 0 && length <= MAX_LENGTH && offset <= file.size(), "corrupt VMDK image: a descriptor of " + length
                + " bytes");
        String text = Bytes.text(Bytes.read(file, offset, (int) length, ByteOrder.LITTLE_ENDIAN), 0, (int) length,
                StandardCharsets.ISO_8859_1);
        require(text.startsWith(START), "corrupt VMDK image: its descriptor does not start with " + START);
        String createType = "";
        String parent = null;
        String parentCid = "";
        List<Extent> extents = new ArrayList<>();
        for (String line : text.lines().map(String::strip).toList()) {
            Matcher extent = EXTENT.matcher(line);
            Matcher value = VALUE.matcher(line);
            if (extent.matches()) {
                extents.add(extent(extent));
                require(extents.size() <= MAX_EXTENTS, "corrupt VMDK image: more than " + MAX_EXTENTS + " extents");
            } else if (value.matches() && value.group(1).equals("createType")) {
                createType = utf8(value.group(2));
            } else if (value.matches() && value.group(1).equals("parentFileNameHint")) {
                parent = utf8(value.group(2));
            } else if (value.matches() && value.group(1).equals("parentCID")) {
                parentCid = value.group(2);
            }
        }
        Matcher cid = CID.matcher(text);
        boolean known = cid.find();
        return new Descriptor(createType, extents, parent, parentCid, known ? cid.group(1) : "",
                known ? offset + cid.start(1) : -1);
    }

    private static Extent extent(Matcher m) {
        String file = m.group(4) == null ? null : utf8(m.group(4));
        return new Extent(m.group(1), Long.parseLong(m.group(2)), m.group(3), file,
                m.group(5) == null ? 0 : Long.parseLong(m.group(5)));
    }

    private static String utf8(String latin1) {
        return new String(latin1.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    /** What it says of a disk with these parts. */
    FormatInfo.Vmdk info(List<FormatInfo.Vmdk.Extent> parts) {
        String kind = createType.substring(0, Math.min(createType.length(), MAX_CREATE_TYPE));
        return new FormatInfo.Vmdk(number(contentId), number(parentCid), Bytes.printable(kind), parts);
    }

    private static long number(String id) {
        return HEX.matcher(id).matches() ? Long.parseLong(id, 16) : 0;
    }

    /** Whether a disk with the content id {@code id} is the parent that this one was made on, as it was then. */
    boolean standsOn(String id) {
        return HEX.matcher(id).matches() && HEX.matcher(parentCid).matches()
                && Long.parseLong(id, 16) == Long.parseLong(parentCid, 16);
    }

    /** Who stands on this disk is to see that it has changed. */
    void changeCid(ImageFile file) throws IOException {
        if (cid >= 0) {
            // QEMU writes no leading zeroes: what lies behind stays where it is.
            String digits = contentId;
            while (digits.equalsIgnoreCase(contentId)) {
                digits = newCid().substring(CID_DIGITS - contentId.length());
            }
            Bytes.write(file, cid, ByteBuffer.wrap(digits.getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static String newCid() {
        return String.format("%08x", ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE));
    }

    /** The text for a new disk. */
    static byte[] text(String createType, long sectors, String adapter, List<Extent> extents) {
        StringBuilder text = new StringBuilder(START + "\nversion=1\nCID=" + newCid() + "\nparentCID=ffffffff\ncreateType=\""
                + createType + "\"\n\n# Extent description\n");
        for (Extent e : extents) {
            text.append(e.access()).append(' ').append(e.sectors()).append(' ').append(e.type()).append(" \"").append(e.file())
                    .append('"').append(e.type().equals("FLAT") ? " " + e.offset() : "").append('\n');
        }
        int heads = adapter.equals("ide") ? 16 : 255;
        text.append("\n# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\nddb.geometry.cylinders = \"")
                .append(sectors / heads / 63).append("\"\nddb.geometry.heads = \"").append(heads)
                .append("\"\nddb.geometry.sectors = \"63\"\nddb.adapterType = \"").append(adapter).append("\"\n");
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
