package org.jkvm.devices.i8042;

import java.util.HexFormat;

/**
 * Scan code sets 1 and 2 (IBM PS/2 Hardware Interface Technical Reference, "Keyboard scan codes"): the controller's
 * translation table, and the way back.
 */
final class ScanCodes {
    /** Precedes the code of a key that is let go, in set 2. */
    static final int BREAK = 0xf0;
    /** Set in the code of a key that is let go, in set 1. */
    static final int RELEASED = 0x80;

    /** Set 2 codes 00h to 84h, in set 1; codes above are the same in both. */
    private static final byte[] SET_1 = HexFormat.ofDelimiter(" ").parseHex(
            "ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59 "
            + "65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b "
            + "67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d "
            + "69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f "
            + "6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61 "
            + "6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76 "
            + "55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f "
            + "52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54 "
            + "80 81 82 41 54");

    private ScanCodes() {
    }

    /** A byte of set 2 in set 1, prefixes and replies as they are. */
    static int toSet1(int set2) {
        return set2 < SET_1.length ? SET_1[set2] & 0xff : set2;
    }

    /** A make code of set 1 (01h to 7Fh) in set 2. Where two would do, the later in the table is the one of a real key. */
    static int toSet2(int set1) {
        for (int code = SET_1.length - 1; code >= 0; code--) {
            if ((SET_1[code] & 0xff) == set1) {
                return code;
            }
        }
        throw new IllegalArgumentException("no key has scan code " + Integer.toHexString(set1) + "h");
    }
}
