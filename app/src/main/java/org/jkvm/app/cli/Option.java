package org.jkvm.app.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Every option of the kvm command, in the order of its manual page. Names and meanings are QEMU's. */
public enum Option {
    MACHINE(Section.MACHINE, "-machine", "[type=]pc[,accel=NAME][,kernel-irqchip=on|split]", "The machine: pc is a PC with an "
            + "i440FX-like chipset. On /dev/kvm its interrupt controllers are the kernel's (on, the "
            + "default), or only the local APICs are (split). "
            + "'-machine help' lists them.", "-M"),
    ACCEL(Section.MACHINE, "-accel", "NAME[:NAME...][,PROPERTY=VALUE...]", "What runs the guest, the first that there is: "
            + "kvm is the host's /dev/kvm, soft the software engine; auto (the default) measures which is faster. '-accel help' "
            + "lists them. The software engine has translate=on|off (off: interpret only), tb-size=MIB (of each processor's "
            + "generated code, default 64), check=on|off (on: interpret everything too, and stop at the first difference)."),
    ENABLE_KVM(Section.MACHINE, "-enable-kvm", null, "The same as -accel kvm."),
    CPU(Section.MACHINE, "-cpu", "MODEL[,+FEATURE][,-FEATURE]", "The processor's model and feature switches. "
            + "'-cpu help' lists them."),
    SMP(Section.MACHINE, "-smp", "[cpus=]N[,sockets=N][,cores=N][,threads=N]", "How many processors there are, and how "
            + "they are grouped."),
    M(Section.MACHINE, "-m", "[size=]MEGS", "Guest memory, in MiB or with a suffix (k, M, G); 128M where not given."),
    MEM_PATH(Section.MACHINE, "-mem-path", "FOLDER", "Guest memory is a file without a name in FOLDER: of huge pages, where that "
            + "is on a hugetlbfs."),
    MEM_PREALLOC(Section.MACHINE, "-mem-prealloc", null, "The host gives the guest all of its memory at the start."),
    NAME(Section.MACHINE, "-name", "[guest=]NAME", "The guest's name, shown by the monitor."),
    RTC(Section.MACHINE, "-rtc", "[base=utc|localtime|DATE]", "What the clock shows at the start: the host's time in UTC "
            + "(the default) or local time, or a date such as 2026-11-21T12:00:00."),
    NODEFAULTS(Section.MACHINE, "-nodefaults", null, "No serial port and no monitor but those asked for."),

    KERNEL(Section.BOOT, "-kernel", "FILE", "The kernel: a Linux bzImage, an ELF file with a PVH entry, or a multiboot ELF "
            + "file."),
    INITRD(Section.BOOT, "-initrd", "FILE[ ARGS][,FILE...]", "The initial RAM disk; for multiboot, modules with their "
            + "arguments."),
    APPEND(Section.BOOT, "-append", "LINE", "The kernel's command line."),

    DRIVE(Section.DISKS, "-drive", "file=FILE[,format=raw|qcow2][,if=virtio|none][,id=ID][,cache=MODE][,readonly=on]"
            + "[,werror=ACTION][,rerror=ACTION][,discard=ignore|unmap][,snapshot=on][,detect-zeroes=off|on|unmap]"
            + "[,throttling.LIMIT=N]", "A virtual hard disk, attached as virtio-blk unless if=none. A comma in FILE is "
            + "written twice. MODE is writeback, none, writethrough, directsync or unsafe; ACTION is report, ignore, stop or "
            + "enospc. LIMIT is bps-total, bps-read, bps-write, iops-total, iops-read or iops-write, each also with -max and "
            + "-max-length for bursts, iops-size, or group=NAME to share limits."),
    HDA(Section.DISKS, "-hda", "FILE", "The first hard disk. There is no IDE controller yet: the disk is attached as "
            + "virtio-blk (/dev/vda in Linux). -hdb, -hdc and -hdd are the next ones."),
    HDB(Section.DISKS, "-hdb", "FILE", "The second hard disk.", false),
    HDC(Section.DISKS, "-hdc", "FILE", "The third hard disk.", false),
    HDD(Section.DISKS, "-hdd", "FILE", "The fourth hard disk.", false),
    BLOCKDEV(Section.DISKS, "-blockdev", "driver=DRIVER,node-name=NAME[,...] | JSON", "A block device for -device to refer "
            + "to by drive=NAME. DRIVER is file (filename=), raw or qcow2 (file=NAME)."),

    SNAPSHOT(Section.DISKS, "-snapshot", null, "What the guest writes to -drive's and -hda's disks goes to temporary "
            + "files and is lost at the end."),

    DEVICE(Section.DEVICES, "-device", "DEVICE[,PROPERTY=VALUE...]", "Adds a device. '-device help' lists them, '-device "
            + "DEVICE,help' its properties."),
    OBJECT(Section.DEVICES, "-object", "rng-random|rng-builtin,id=ID[,filename=FILE]", "A source of random bytes for "
            + "virtio-rng-pci."),

    SERIAL(Section.CONSOLES, "-serial", "BACKEND", "Connects the next serial port (up to four): stdio, pty, null, none, "
            + "file:FILE, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,server=on][,wait=off], chardev:ID, or "
            + "mon:BACKEND to share it with the monitor."),
    CHARDEV(Section.CONSOLES, "-chardev", "stdio|file|socket|pty|null,id=ID[,mux=on][,PROPERTY=VALUE...]", "A character "
            + "device for -serial, -mon and -device to refer to. file: path=, append=on. socket: path= or host= and "
            + "port=, server=on, wait=off, reconnect=SECONDS. stdio: signal=off."),
    MONITOR(Section.CONSOLES, "-monitor", "BACKEND", "Connects the monitor; takes what -serial takes."),
    MON(Section.CONSOLES, "-mon", "[chardev=]ID[,mode=readline]", "Connects the monitor to a character device."),
    NOGRAPHIC(Section.CONSOLES, "-nographic", null, "The first serial port and the monitor share the terminal. As there is "
            + "no display yet, this is what happens anyway."),
    DISPLAY(Section.CONSOLES, "-display", "none", "No display; the serial port goes nowhere unless connected."),
    VGA(Section.CONSOLES, "-vga", "none", "No graphics card: there is none yet.", false),

    NET(Section.DEVICES, "-net", "none", "No network: there is none yet.", false),
    NIC(Section.DEVICES, "-nic", "none", "No network: there is none yet.", false),

    S(Section.RUNNING, "-S", null, "Do not start the guest: the monitor's 'cont' does."),
    NO_REBOOT(Section.RUNNING, "-no-reboot", null, "Exit where the guest would reset."),
    NO_SHUTDOWN(Section.RUNNING, "-no-shutdown", null, "Stop, rather than exit, when the guest powers off."),
    PIDFILE(Section.RUNNING, "-pidfile", "FILE", "Writes the process id to FILE, and removes it at the end."),
    D(Section.RUNNING, "-d", "ITEM[,ITEM...]", "Logs what is asked for: '-d help' lists the items."),
    D_FILE(Section.RUNNING, "-D", "FILE", "The log goes to FILE, not to the standard error output."),
    NO_USER_CONFIG(Section.RUNNING, "-no-user-config", null, "Reads no configuration files: none are ever read.", false),

    HELP(Section.GENERAL, "-help", null, "Shows this page.", "-h"),
    VERSION(Section.GENERAL, "-version", null, "Shows the version.");

    /** The parts of the manual page. */
    public enum Section {
        /** The machine. */
        MACHINE("The machine"),
        /** What it boots. */
        BOOT("What it boots"),
        /** Disks. */
        DISKS("Virtual hard disks"),
        /** Devices. */
        DEVICES("Devices"),
        /** Consoles and monitor. */
        CONSOLES("Consoles and the monitor"),
        /** Running. */
        RUNNING("Running"),
        /** General. */
        GENERAL("General");

        private final String title;

        Section(String title) {
            this.title = title;
        }

        /** Its heading. */
        public String title() {
            return title;
        }
    }

    private final Section section;
    private final String argument;
    private final String description;
    private final boolean shown;
    private final List<String> names;

    Option(Section section, String name, String argument, String description, String... aliases) {
        this(section, name, argument, description, true, aliases);
    }

    Option(Section section, String name, String argument, String description, boolean shown, String... aliases) {
        this.section = section;
        this.argument = argument;
        this.description = description;
        this.shown = shown;
        names = Stream.concat(Stream.of(name), Arrays.stream(aliases)).toList();
    }

    /** The option of a name or alias, with its dash. */
    static Optional<Option> named(String name) {
        return Arrays.stream(values()).filter(o -> o.names.contains(name)).findFirst();
    }

    /** The part of the manual page that it stands in. */
    public Section section() {
        return section;
    }

    /** Its name with the dash. */
    public String label() {
        return names.getFirst();
    }

    /** Its name and its aliases. */
    public List<String> names() {
        return names;
    }

    /** What its argument looks like; empty where it takes none. */
    public Optional<String> argument() {
        return Optional.ofNullable(argument);
    }

    /** What it does. */
    public String description() {
        return description;
    }

    /** Whether the manual page has it. */
    public boolean shown() {
        return shown;
    }
}
