package org.jkvm.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jkvm.base.HostException;
import org.jkvm.hypervisor.x86.CpuModel.Leaf;
import org.jkvm.linux.Errno;
import org.jkvm.linux.HostFile;

/** /dev/kvm itself: what this host's KVM can do, and new virtual machines. Opened for a while, not kept. */
final class KvmSystem implements AutoCloseable {
    /** Where it is. */
    static final Path DEVICE = Path.of("/dev/kvm");
    private static final Set<PosixFilePermission> GROUP_ACCESS =
            Set.of(PosixFilePermission.GROUP_READ, PosixFilePermission.GROUP_WRITE);
    private static final int API_VERSION = 12;
    private static final int MOST_CPUID_ENTRIES = 256;
    private static final int MOST_MSRS = 1024;

    private final HostFile file;
    private final Handle handle;

    private KvmSystem(HostFile file) {
        this.file = file;
        this.handle = new Handle(file.descriptor(), "/dev/kvm");
    }

    /**
     * Opens it.
     *
     * @throws HostException where there is none, access is denied, or its interface is not the one that is known
     */
    static KvmSystem open() {
        KvmSystem system = new KvmSystem(openFile());
        int version = system.handle.attempt(Request.KVM_GET_API_VERSION, 0);
        if (version != API_VERSION) {
            system.close();
            throw new HostException("/dev/kvm: " + (version < 0 ? Errno.describe(-version) : "interface version " + version)
                    + ", not version " + API_VERSION + ": this is not Linux's KVM");
        }
        return system;
    }

    private static HostFile openFile() {
        try {
            return HostFile.open(DEVICE, HostFile.Access.READ_WRITE);
        } catch (HostException e) {
            throw new HostException(e.getMessage() + switch (e.errno()) {
                case Errno.ENOENT, Errno.ENXIO -> "; load the module (modprobe kvm_intel or kvm_amd), and switch "
                        + "virtualization on in the firmware";
                case Errno.EACCES, Errno.EPERM -> "; " + howToGetAccess();
                default -> "";
            }, e.errno());
        }
    }

    private static String howToGetAccess() {
        try {
            PosixFileAttributes a = Files.readAttributes(DEVICE, PosixFileAttributes.class);
            if (a.permissions().containsAll(GROUP_ACCESS)) {
                return "join the group that owns it (sudo usermod -aG " + a.group().getName() + " $USER) and log in again";
            }
        } catch (IOException e) {
            // The general advice has to do.
        }
        return "have its owner allow it (sudo setfacl -m u:$USER:rw /dev/kvm)";
    }

    /** A capability: 0 where it is missing. */
    int capability(KernelCapability capability) {
        return Math.max(0, handle.attempt(Request.KVM_CHECK_EXTENSION, capability.number()));
    }

    Handle createVm() {
        return new Handle(handle.call(Request.KVM_CREATE_VM, 0), "KVM virtual machine");
    }

    /** Bytes of the memory that a vCPU shares with the kernel. */
    int vcpuMemory() {
        return handle.call(Request.KVM_GET_VCPU_MMAP_SIZE, 0);
    }

    /** What CPUID can say of a guest's processor. */
    List<Leaf> supportedCpuid() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(Abi.Cpuid.S.size() + MOST_CPUID_ENTRIES * Abi.CpuidEntry.S.size(), 8);
            table.set(JAVA_INT, Abi.Cpuid.NENT, MOST_CPUID_ENTRIES);
            handle.call(Request.KVM_GET_SUPPORTED_CPUID, table);
            List<Leaf> leaves = new ArrayList<>();
            for (int n = 0; n < table.get(JAVA_INT, Abi.Cpuid.NENT); n++) {
                leaves.add(leaf(table, Abi.Cpuid.S.size() + (long) n * Abi.CpuidEntry.S.size()));
            }
            return leaves;
        }
    }

    private static Leaf leaf(MemorySegment table, long at) {
        boolean indexed = (table.get(JAVA_INT, at + Abi.CpuidEntry.FLAGS) & Abi.CpuidEntry.SIGNIFICANT_INDEX) != 0;
        return new Leaf(table.get(JAVA_INT, at + Abi.CpuidEntry.FUNCTION),
                indexed ? table.get(JAVA_INT, at + Abi.CpuidEntry.INDEX) : -1, table.get(JAVA_INT, at + Abi.CpuidEntry.EAX),
                table.get(JAVA_INT, at + Abi.CpuidEntry.EBX), table.get(JAVA_INT, at + Abi.CpuidEntry.ECX),
                table.get(JAVA_INT, at + Abi.CpuidEntry.EDX));
    }

    /** The MSRs that hold a guest's state, as the kernel lists them. */
    int[] msrs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(Abi.MsrList.S.size() + MOST_MSRS * Integer.BYTES, 8);
            list.set(JAVA_INT, Abi.MsrList.NMSRS, MOST_MSRS);
            handle.call(Request.KVM_GET_MSR_INDEX_LIST, list);
            int[] numbers = new int[list.get(JAVA_INT, Abi.MsrList.NMSRS)];
            for (int n = 0; n < numbers.length; n++) {
                numbers[n] = list.get(JAVA_INT, Abi.MsrList.S.size() + (long) n * Integer.BYTES);
            }
            return numbers;
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
