package org.jkvm.machine.loader;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An x86 ELF executable, 32-bit or 64-bit (System V ABI, chapters 4 and 5), as far as a boot loader needs it: program
 * headers, notes, entry. Every field may be anything.
 */
final class ElfImage {
    private static final int MAGIC = 0x464c_457f;
    private static final int HEADER_LENGTH = 64;
    private static final int EI_CLASS = 4;
    private static final int EI_DATA = 5;
    private static final int ELFCLASS32 = 1;
    private static final int ELFCLASS64 = 2;
    private static final int ELFDATA2LSB = 1;
    private static final int E_MACHINE = 18;
    private static final int EM_386 = 3;
    private static final int EM_X86_64 = 62;
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int PF_X = 1;
    private static final int MOST_PROGRAM_HEADERS = 256;
    private static final int MOST_NOTE_BYTES = 1 << 20;
    private static final int NOTE_HEADER = 12;

    private final ImageFile file;
    private final ByteBuffer header;
    private final boolean is64;
    private final List<Segment> segments;

    /** A program header, as far as it is used. Numbers are as in the file, unsigned. */
    private record Segment(int type, int flags, long offset, long vaddr, long paddr, long filesz, long memsz) {
        boolean contains(long virtual) {
            return Long.compareUnsigned(virtual - vaddr, filesz) < 0;
        }
    }

    private ElfImage(ImageFile file, ByteBuffer header) {
        this.file = file;
        this.header = header;
        this.is64 = header.get(EI_CLASS) == ELFCLASS64;
        this.segments = readSegments();
    }

    /** Takes {@code file} if it is a little-endian ELF file for x86. A broken program header table is an error. */
    static Optional<ElfImage> probe(ImageFile file) {
        ByteBuffer header = file.head(HEADER_LENGTH);
        int machine = header.getShort(E_MACHINE) & 0xffff;
        int elfClass = header.get(EI_CLASS);
        boolean x86 = header.getInt(0) == MAGIC && header.get(EI_DATA) == ELFDATA2LSB
                && (machine == EM_386 || machine == EM_X86_64) && (elfClass == ELFCLASS32 || elfClass == ELFCLASS64);
        return x86 ? Optional.of(new ElfImage(file, header)) : Optional.empty();
    }

    /** Whether it is 64-bit code. */
    boolean is64() {
        return is64 || (header.getShort(E_MACHINE) & 0xffff) == EM_X86_64;
    }

    /**
     * Where execution begins, as a physical address: e_entry, which is moved with its segment where the file gives it
     * as a virtual address that differs from the physical one.
     */
    long entry() {
        long entry = is64 ? header.getLong(24) : u32(header, 24);
        return segments.stream().filter(s -> s.type == PT_LOAD && (s.flags & PF_X) != 0 && s.contains(entry))
                .mapToLong(s -> entry - s.vaddr + s.paddr).findFirst().orElse(entry);
    }

    /** Puts the loadable segments at their physical addresses. */
    void load(LoadArea area) {
        boolean any = false;
        for (Segment s : segments) {
            if (s.type == PT_LOAD && s.memsz != 0) {
                load(area, s);
                any = true;
            }
        }
        if (!any) {
            throw file.fault("the ELF file has nothing to load");
        }
    }

    private void load(LoadArea area, Segment s) {
        if (Long.compareUnsigned(s.filesz, s.memsz) > 0) {
            throw file.fault("an ELF segment is larger in the file than in memory");
        }
        area.claim("kernel " + file.path(), s.paddr, s.memsz);
        area.load(file, "an ELF segment", s.offset, s.filesz, s.paddr);
        area.clear(s.paddr + s.filesz, s.memsz - s.filesz);
    }

    /** The number that the first note of {@code owner} and {@code type} holds: 4 or 8 bytes. */
    OptionalLong note(String owner, int type) {
        return segments.stream().filter(s -> s.type == PT_NOTE && s.filesz > 0)
                .map(s -> note(s, owner, type)).filter(OptionalLong::isPresent).findFirst().orElse(OptionalLong.empty());
    }

    private OptionalLong note(Segment s, String owner, int type) {
        if (Long.compareUnsigned(s.filesz, MOST_NOTE_BYTES) > 0) {
            throw file.fault("an ELF note segment is larger than " + MOST_NOTE_BYTES + " bytes");
        }
        ByteBuffer notes = file.bytes("an ELF note segment", s.offset, (int) s.filesz);
        long at = 0;
        while (at + NOTE_HEADER <= notes.capacity()) {
            long nameLength = u32(notes, (int) at);
            long length = u32(notes, (int) at + 4);
            long name = at + NOTE_HEADER;
            long data = name + padded(nameLength);
            at = data + padded(length);
            if (at > notes.capacity()) {
                break;
            }
            if (u32(notes, (int) name - 4) == type && isText(notes, name, nameLength, owner)) {
                return number(notes, (int) data, length);
            }
        }
        return OptionalLong.empty();
    }

    private static OptionalLong number(ByteBuffer notes, int data, long length) {
        return length == 4 ? OptionalLong.of(u32(notes, data))
                : length == 8 ? OptionalLong.of(notes.getLong(data)) : OptionalLong.empty();
    }

    /** Names and contents are padded to 4 bytes, in 64-bit files too (as the kernel and binutils write them). */
    private static long padded(long length) {
        return length + 3 & ~3L;
    }

    private static boolean isText(ByteBuffer notes, long at, long length, String text) {
        if (length != text.length() + 1) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (notes.get((int) at + i) != text.charAt(i)) {
                return false;
            }
        }
        return notes.get((int) at + text.length()) == 0;
    }

    private List<Segment> readSegments() {
        long offset = is64 ? header.getLong(32) : u32(header, 28);
        int entryLength = header.getShort(is64 ? 54 : 42) & 0xffff;
        int count = header.getShort(is64 ? 56 : 44) & 0xffff;
        if (count > MOST_PROGRAM_HEADERS || count > 0 && entryLength < (is64 ? 56 : 32)) {
            throw file.fault("the ELF program headers are not usable: " + count + " of " + entryLength + " bytes");
        }
        ByteBuffer table = file.bytes("the ELF program header table", offset, count * entryLength);
        List<Segment> result = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int at = i * entryLength;
            result.add(is64 ? segment64(table, at) : segment32(table, at));
        }
        return result;
    }

    private static Segment segment32(ByteBuffer t, int at) {
        return new Segment(t.getInt(at), t.getInt(at + 24), u32(t, at + 4), u32(t, at + 8), u32(t, at + 12),
                u32(t, at + 16), u32(t, at + 20));
    }

    private static Segment segment64(ByteBuffer t, int at) {
        return new Segment(t.getInt(at), t.getInt(at + 4), t.getLong(at + 8), t.getLong(at + 16), t.getLong(at + 24),
                t.getLong(at + 32), t.getLong(at + 40));
    }

    private static long u32(ByteBuffer buffer, int offset) {
        return buffer.getInt(offset) & 0xffff_ffffL;
    }
}
