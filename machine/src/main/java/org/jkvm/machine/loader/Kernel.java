package org.jkvm.machine.loader;

import java.util.Optional;
import org.jkvm.base.UserException;

/** A kernel file in one of the formats that can be started without firmware. The file is untrusted input. */
public sealed interface Kernel permits BzImage, Multiboot1, PvhElf {
    /** The format's name, for messages. */
    String format();

    /** Whether {@code -initrd} is a list of modules with arguments for this format, and not one file's name. */
    boolean takesModules();

    /**
     * Puts the kernel and what it is started with into RAM.
     *
     * @return the state to start the processor in
     * @throws UserException when the file is broken or does not fit
     */
    BootEntry load(BootRequest request);

    /**
     * Finds out what {@code file} is: a Linux setup header is looked for first, then a multiboot header (which an ELF file
     * may hold), then a PVH note, as QEMU's {@code -kernel} does.
     *
     * @throws UserException when it is none of these
     */
    static Kernel detect(ImageFile file) {
        return BzImage.probe(file).<Kernel>map(k -> k)
                .or(() -> Multiboot1.probe(file))
                .or(() -> PvhElf.probe(file))
                .orElseThrow(() -> file.fault(refusal(file)));
    }

    private static String refusal(ImageFile file) {
        Optional<ElfImage> elf = ElfImage.probe(file);
        if (file.size() == 0) {
            return "is empty";
        }
        return elf.isPresent()
                ? "is an ELF file that is no kernel: it has neither a multiboot header nor a PVH note (CONFIG_PVH)"
                : "is not a kernel: a Linux bzImage, a multiboot kernel or an ELF file with a PVH note is expected";
    }
}
