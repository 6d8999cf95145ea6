package org.jkvm.app.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jkvm.base.HostException;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.kvm.KvmSpeed;
import picocli.CommandLine.Command;

/** {@code kvm doctor}: explains the host. */
@Command(name = "kvm doctor", mixinStandardHelpOptions = true, description = {
    "Says whether this host can run guests in hardware, and what is missing if not.",
    "Exit status: 0 where it can, 1 where guests run in software."})
public final class DoctorCommand implements Callable<Integer> {
    private static final Path DEVICE = Path.of("/dev/kvm");

    @Override
    public Integer call() {
        line("processor", processor());
        line("kernel module", modules());
        line("/dev/kvm", device());
        try {
            return kvm(new KvmHypervisor());
        } catch (HostException e) {
            line("KVM", e.getMessage());
            line("verdict", "-accel auto chooses soft: guests run in the software engine");
            return 1;
        }
    }

    private static int kvm(KvmHypervisor kvm) {
        kvm.report().forEach(DoctorCommand::line);
        KvmSpeed speed = KvmSpeed.measure(kvm);
        line("speed", speed.describe());
        line("verdict", speed.inHardware() ? "-accel auto chooses kvm: guests run in hardware"
                : "-accel auto chooses soft: this KVM is itself a software emulation; -accel kvm works, with software assist");
        return speed.inHardware() ? 0 : 1;
    }

    private static void line(String subject, String text) {
        System.out.printf("%-16s %s%n", subject, text);
    }

    /** CPUID's flags as the kernel shows them: vmx is Intel's extension, svm AMD's; hypervisor says that this is a guest. */
    private static String processor() {
        List<String> flags = flags();
        String extension = flags.contains("vmx") ? "VT-x (vmx)" : flags.contains("svm") ? "AMD-V (svm)"
                : "no VT-x or AMD-V: not there, switched off in the firmware, or not given to this virtual machine";
        return extension + (flags.contains("hypervisor") ? "; this host is a virtual machine itself" : "");
    }

    private static List<String> flags() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(l -> l.startsWith("flags")).findFirst().map(l -> List.of(l.split("\\s+"))).orElse(List.of());
        } catch (IOException e) {
            return List.of();
        }
    }

    private static String modules() {
        String loaded = Stream.of("kvm_intel", "kvm_amd", "kvm_pvm").filter(m -> Files.isDirectory(Path.of("/sys/module", m)))
                .map(m -> m + nested(m)).collect(Collectors.joining(", "));
        return loaded.isEmpty() ? "none is loaded, or it is part of the kernel" : loaded;
    }

    private static String nested(String module) {
        try {
            String value = Files.readString(Path.of("/sys/module", module, "parameters/nested")).strip();
            return value.equals("Y") || value.equals("1") ? " (nested guests allowed)" : "";
        } catch (IOException e) {
            return "";
        }
    }

    private static String device() {
        try {
            PosixFileAttributes a = Files.readAttributes(DEVICE, PosixFileAttributes.class);
            return "owner " + a.owner().getName() + ", group " + a.group().getName() + ", "
                    + PosixFilePermissions.toString(a.permissions());
        } catch (IOException e) {
            return "not there";
        }
    }
}
