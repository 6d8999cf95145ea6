package org.jkvm.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Set;
import org.jkvm.app.guest.LinuxGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Debian's cloud kernel, as it is, from the command line to power-off: the one boot of every build. */
class CloudKernelTest {
    /** What CPUID says of qemu64, by Linux's names; docs/compat.md explains what QEMU's has beyond. */
    private static final Set<String> QEMU64 = Set.of(("fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 "
            + "clflush mmx fxsr sse sse2 syscall nx lm pni cx16 hypervisor lahf_lm").split(" "));

    @TempDir
    private Path folder;

    @Test
    void bootsUsesItsDiskAndPowersOff() throws Exception {
        LinuxGuest guest = Guests.debian("amd64", "linux-image-cloud-amd64");
        Report report = new Boot(guest, guest.kernel(), folder).kvm();
        LinuxAssert.isWell(report);
        assertThat(report.flags()).containsAll(QEMU64).doesNotContain("ssse3", "avx", "vme", "xsave");
    }
}
