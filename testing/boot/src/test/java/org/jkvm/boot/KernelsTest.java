package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jkvm.app.demo.GuestConsole;
import org.jkvm.app.guest.LinuxGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Debian's other kernels, and the cloud kernel beside QEMU. */
@Slow
class KernelsTest {
    /** In /proc/cpuinfo here and not under QEMU, each with its reason in docs/compat.md. */
    private static final Set<String> MORE = Set.of("tsc_known_freq", "pcid", "invpcid", "invpcid_single", "x2apic",
            "tsc_deadline_timer");
    /** The other way round. */
    private static final Set<String> LESS = Set.of("svm", "npt", "vgif", "3dnow", "3dnowext", "sse4a", "mpx", "pku",
            "ospke", "la57", "monitor", "acpi", "cr8_legacy");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "amd64, linux-image-amd64,       qemu64",
        "i386,  linux-image-686,         qemu32",
        "i386,  linux-image-686-pae,     qemu64",
        "amd64, linux-image-cloud-amd64, max"})
    void boots(String architecture, String kernel, String cpu) throws Exception {
        LinuxGuest guest = Guests.debian(architecture, kernel);
        LinuxAssert.isWell(new Boot(guest, guest.kernel(), folder).kvm("-cpu", cpu));
    }

    @Test
    void bootsOnTwoProcessors() throws Exception {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Report report = new Boot(guest, guest.kernel(), folder).kvm("-smp", "2");
        LinuxAssert.isWell(report);
        assertThat(report.section("cpuinfo")).filteredOn(line -> line.startsWith("processor")).hasSize(2);
    }

    @Test
    void bootsFromItsElfFileByPvh() throws Exception {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path elf = VmLinux.extract(guest.kernel(), folder.resolve("vmlinux"));
        LinuxAssert.isWell(new Boot(guest, elf, folder).kvm());
    }

    /** Xen runs at privilege 0, its first domain's Linux kernel and processes at 3. */
    @Test
    void startsXenWithModulesByMultiboot() throws Exception {
        LinuxGuest dom0 = Guests.debian("amd64", "linux-image-cloud-amd64");
        Path initrd = Guests.initrd(dom0, folder, "report.sh");
        List<String> words = List.of("-nodefaults", "-display", "none", "-serial", "stdio", "-m", "512",
                "-kernel", Guests.xen(folder).toString(), "-append", "no-real-mode com1=115200 console=com1 dom0_mem=256M",
                "-initrd", dom0.kernel() + " earlyprintk=xen," + initrd);
        try (GuestConsole console = new GuestConsole(KvmCommand.with(words), null)) {
            console.await("\\(XEN\\) Bootloader: jkvm", Boot.LIMIT);
            console.await("Hypervisor detected: Xen PV", Boot.LIMIT);
            console.await("Run /init as init process", Boot.LIMIT);
            console.await("\\(XEN\\) Hardware Dom0 halted", Boot.LIMIT);
        }
    }

    @ParameterizedTest
    @CsvSource({"qemu64", "max", "x86-64-v2", "Haswell-noTSX"})
    void findsTheProcessorThatQemuShows(String cpu) throws Exception {
        String qemus = cpu.equals("x86-64-v2") ? "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt" : cpu;
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Boot boot = new Boot(guest, guest.kernel(), folder);
        Set<String> wanted = boot.qemu("-cpu", qemus).flags();
        Set<String> found = boot.kvm("-cpu", cpu).flags();
        assertThat(without(found, wanted)).as("more than under QEMU").isSubsetOf(MORE);
        assertThat(without(wanted, found)).as("less than under QEMU").isSubsetOf(LESS);
    }

    private static Set<String> without(Set<String> all, Set<String> taken) {
        Set<String> rest = new TreeSet<>(all);
        rest.removeAll(taken);
        return rest;
    }
}
