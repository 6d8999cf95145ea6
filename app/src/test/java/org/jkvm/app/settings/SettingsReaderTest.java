package org.jkvm.app.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jkvm.app.cli.Arguments;
import org.jkvm.app.cli.ChardevSpec;
import org.jkvm.base.UserException;
import org.jkvm.devices.virtio.blk.ErrorPolicy;
import org.jkvm.soft.SoftOptions;
import org.jkvm.storage.CacheMode;
import org.jkvm.storage.live.DetectZeroes;
import org.jkvm.storage.live.Limits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What command lines say about a machine. */
class SettingsReaderTest {
    @Test
    void defaults() {
        VmSettings settings = read();
        assertThat(settings.memory().bytes()).isEqualTo(128L << 20);
        assertThat(settings.smp()).isEqualTo(new CpuTopology(1, 1, 1, 1));
        assertThat(settings.devices()).isEmpty();
        assertThat(settings.running().reboot()).isTrue();
        assertThat(settings.running().shutdown()).isTrue();
        assertThat(settings.consoles().serials()).containsExactly(
                new ConsoleSettings.WithMonitor("-serial mon:stdio", new ChardevSpec.Stdio(false)));
    }

    @ParameterizedTest
    @CsvSource({"384, 384", "size=1G, 1024", "0, 128", "1.5g, 1536", "1536k, 2"})
    void memory(String text, long mib) {
        assertThat(read("-m", text).memory().bytes()).isEqualTo(mib << 20);
    }

    @ParameterizedTest
    @CsvSource({"2, 2/1/2/1", "'cpus=4,sockets=2', 4/2/2/1", "'4,threads=2', 4/1/2/2", "'sockets=2,cores=3', 6/2/3/1"})
    void processors(String text, String topology) {
        CpuTopology smp = read("-smp", text).smp();
        assertThat(smp.cpus() + "/" + smp.sockets() + "/" + smp.cores() + "/" + smp.threads()).isEqualTo(topology);
    }

    @Test
    void drives() {
        DeviceSettings.VirtioBlk disk = (DeviceSettings.VirtioBlk) read("-drive",
                "file=a,,b.img,if=virtio,format=qcow2,cache=none,werror=stop,readonly=on,discard=unmap").devices().getFirst();
        assertThat(disk.node().file()).isEqualTo(Path.of("a,b.img"));
        assertThat(disk.node().open().format()).isEqualTo("qcow2");
        assertThat(disk.node().open().cache()).isEqualTo(CacheMode.NONE);
        assertThat(disk.node().open().readOnly()).isTrue();
        assertThat(disk.node().open().unmap()).isTrue();
        assertThat(disk.blk().werror()).isEqualTo(ErrorPolicy.STOP);
        assertThat(disk.blk().rerror()).isEqualTo(ErrorPolicy.REPORT);
    }

    @Test
    void whatHappensToADrivesRequests() {
        DriveTuning tuning = ((DeviceSettings.VirtioBlk) read("-snapshot", "-drive", "file=a,detect-zeroes=unmap,"
                + "throttling.iops-total=100,throttling.iops-total-max=500,throttling.iops-total-max-length=3,"
                + "throttling.bps-read=1000,throttling.iops-size=4096,throttling.group=g").devices().getFirst()).node().tuning();
        assertThat(tuning.temporary()).isTrue();
        assertThat(tuning.detectZeroes()).isEqualTo(DetectZeroes.UNMAP);
        assertThat(tuning.group()).isEqualTo("g");
        assertThat(tuning.limits().iopsSize()).isEqualTo(4096);
        assertThat(tuning.limits().buckets()).containsExactlyInAnyOrderEntriesOf(Map.of(
                Limits.Kind.IOPS_TOTAL, new Limits.Bucket(100, 500, 3), Limits.Kind.BPS_READ, new Limits.Bucket(1000, 0, 1)));
        assertThatThrownBy(() -> read("-drive", "file=a,throttling.bps-total=1,throttling.bps-write=1"))
                .isInstanceOf(UserException.class).hasMessageContaining("cannot be used at the same time");
    }

    @Test
    void disksByNameComeFirst() {
        assertThat(read("-drive", "file=c", "b.img", "-hda", "a.img").devices())
                .extracting(d -> ((DeviceSettings.VirtioBlk) d).node().file().toString())
                .containsExactly("a.img", "b.img", "c");
    }

    @Test
    void devicesReferToDrives() {
        DeviceSettings.VirtioBlk disk = (DeviceSettings.VirtioBlk) read("-drive", "file=x,if=none,id=d0,cache=writethrough",
                "-device", "virtio-blk-pci,drive=d0,id=disk,serial=S1,num-queues=2,packed=on,werror=report").devices().getFirst();
        assertThat(disk.id()).isEqualTo("disk");
        assertThat(disk.blk().serial()).isEqualTo("S1");
        assertThat(disk.blk().numQueues()).isEqualTo(2);
        assertThat(disk.blk().writeCache()).isFalse();
        assertThat(disk.blk().werror()).isEqualTo(ErrorPolicy.REPORT);
        assertThat(disk.virtio().packed()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "driver=file,node-name=f,filename=x,read-only=on;driver=qcow2,node-name=d0,file=f",
        "qcow2,node-name=d0,file.driver=file,file.filename=x,file.read-only=on",
        "{\"driver\":\"qcow2\",\"node-name\":\"d0\",\"read-only\":true,\"file\":{\"driver\":\"file\",\"filename\":\"x\"}}",
    })
    void blockdevs(String text) {
        String[] words = Stream.concat(Stream.of(text.split(";")).flatMap(t -> Stream.of("-blockdev", t)),
                Stream.of("-device", "virtio-blk-pci,drive=d0")).toArray(String[]::new);
        BlockNode node = ((DeviceSettings.VirtioBlk) read(words).devices().getFirst()).node();
        assertThat(node.file()).isEqualTo(Path.of("x"));
        assertThat(node.open().format()).isEqualTo("qcow2");
        assertThat(node.open().readOnly()).isTrue();
    }

    @Test
    void randomNumbers() {
        assertThat(read("-object", "rng-random,id=r,filename=/dev/random", "-device", "virtio-rng-pci,rng=r,max-bytes=64")
                .devices()).first().isInstanceOfSatisfying(DeviceSettings.VirtioRng.class, rng -> {
                    assertThat(rng.source()).isEqualTo(new RandomSource("r", Optional.of(Path.of("/dev/random"))));
                    assertThat(rng.rng().maxBytes()).isEqualTo(64);
                });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-display none                             | Own            | ",
        "-nographic                                | WithMonitor    | ",
        "-serial stdio                             | Own            | ",
        "-serial stdio -monitor none               | Own            | None",
        "-monitor stdio                            | Own            | Own",
        "-nographic -monitor null                  | Own            | Own",
        "-nographic -serial null                   | Own            | Own",
        "-serial mon:stdio                         | WithMonitor    | ",
        "-nodefaults -serial null                  | Own            | ",
        "-serial none -monitor none                | None           | None",
        "-display none -serial chardev:c -mon c    | Referred       | Referred",
    })
    void consoles(String words, String serial, String monitor) {
        VmSettings.Consoles consoles = read(words.split(" ")).consoles();
        assertThat(consoles.serials()).extracting(c -> c.getClass().getSimpleName()).containsExactly(serial);
        assertThat(consoles.monitors()).extracting(c -> c.getClass().getSimpleName())
                .containsExactlyElementsOf(monitor == null ? List.of() : List.of(monitor));
    }

    @Test
    void theSoftwareEngineHasProperties() {
        assertThat(read("-accel", "soft").engine()).isEqualTo(SoftOptions.DEFAULT);
        assertThat(read("-accel", "soft,translate=off").engine()).isEqualTo(SoftOptions.DEFAULT.withTranslate(false));
        assertThat(read("-accel", "tcg,tb-size=1,check=on").engine())
                .isEqualTo(SoftOptions.DEFAULT.withCacheBytes(1 << 20).withCheck(true));
    }

    @Test
    void acceleratorsAddUpInOrder() {
        assertThat(read("-m", "1G").accelerators()).containsExactly("auto");
        assertThat(read("-accel", "kvm", "-accel", "tcg").accelerators()).containsExactly("kvm", "soft");
        assertThat(read("-machine", "pc,accel=kvm:soft").accelerators()).containsExactly("kvm", "soft");
    }

    @Test
    void theInterruptChip() {
        assertThat(read("-m", "1G").splitChip()).isFalse();
        assertThat(read("-machine", "kernel-irqchip=split").splitChip()).isTrue();
        assertThat(read("-machine", "kernel-irqchip=split", "-machine", "pc").splitChip()).isTrue();
        assertThat(read("-machine", "kernel-irqchip=split", "-machine", "kernel-irqchip=on").splitChip()).isFalse();
    }

    @Test
    void clock() {
        assertThat(read("-rtc", "base=2006-06-17T16:01:21").running().clock().date())
                .hasValue(LocalDateTime.of(2006, 6, 17, 16, 1, 21));
        assertThat(read("-rtc", "localtime").running().clock().local()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-m 384x             | -m 384x: 'size' is a size such as 512M or 2G (k, M, G, T, P, E), not '384x'",
        "-m 2P               | -m 2P: 1M to 1T",
        "-smp 0              | -smp 0: 'cpus' is a number from 1 to 255, not '0'",
        "-smp 3,sockets=2    | -smp 3,sockets=2: sockets * cores * threads must be cpus, 1 to 255",
        "-machine q35        | -machine q35: there is no machine 'q35'; there is pc",
        "-machine pc,kernel-irqchip=off | -machine pc,kernel-irqchip=off: on /dev/kvm local APICs are the kernel's: on or split",
        "-machine pc,kernel-irqchip=no | -machine pc,kernel-irqchip=no: 'kernel-irqchip' is one of on, off, split, not 'no'",
        "-accel soft,tb-size=0 | -accel soft,tb-size=0: 'tb-size' is a number from 1 to 1024, not '0'",
        "-accel kvm,check=on | -accel kvm,check=on: no property 'check' (there are: accel)",
        "-accel soft,check=on -smp 2 | -accel check=on compares one processor with itself: it needs -smp 1",
        "-accel xen          | -accel xen: there is no accelerator 'xen'; there are auto, kvm, soft, tcg",
        "-machine pc,accel=kvm:sotf | -machine pc,accel=kvm:sotf: there is no accelerator 'sotf'; there are auto, kvm, soft, tcg; "
            + "did you mean 'soft'?",
        "-drive fomat=raw,file=x | -drive fomat=raw,file=x: no property 'fomat'; did you mean 'format'?",
        "-drive format=raw   | -drive format=raw: needs file=",
        "-drive file=x,if=ide | -drive file=x,if=ide: there is no ide controller yet: use if=virtio",
        "-drive file=x,media=cdrom | -drive file=x,media=cdrom: there is no CD-ROM drive yet",
        "-device virtio-blk-pci | -device virtio-blk-pci: needs drive=",
        "-device virtio-blk-pci,drive=x | -device virtio-blk-pci,drive=x: there is no drive 'x' that no other device uses",
        "-device virtio-rgn-pci | -device virtio-rgn-pci: 'virtio-rgn-pci' is not a device that there is; did you mean "
            + "'virtio-rng-pci'?",
        "-device virtio-rng-pci,rng=r | -device virtio-rng-pci,rng=r: there is no -object 'r'",
        "-device pc-testdev,foo=1 | -device pc-testdev,foo=1: no property 'foo' (there are: driver, id)",
        "-object foo,id=x    | -object foo,id=x: 'foo' is not an object that there is; there are rng-random, rng-builtin",
        "-blockdev foo,node-name=x | -blockdev foo,node-name=x: 'foo' is not a block driver; there are file, raw, qcow2",
        "-blockdev qcow2,node-name=x,file=f | -blockdev qcow2,node-name=x,file=f: there is no node 'f'",
        "-blockdev {]        | -blockdev {]: not JSON:",
        "-mon chardev=c,mode=control | -mon chardev=c,mode=control: there is no QMP yet: mode=readline",
        "-display gtk        | -display gtk: only 'none' so far",
        "-nic user           | -nic user: only 'none' so far",
        "-rtc base=soon      | -rtc base=soon: 'base' is utc, localtime, or a date such as",
        "-serial stdoi       | -serial stdoi: 'stdoi' is not a character device; there are",
    })
    void refusesInOneLine(String words, String message) {
        assertThatThrownBy(() -> read(words.split(" "))).isInstanceOf(UserException.class)
                .hasMessageStartingWith(message).hasMessageNotContaining("\n");
    }

    @Test
    void kernelOptionsNeedAKernel() {
        assertThatThrownBy(() -> SettingsReader.read(Arguments.parse("-append", "x")))
                .hasMessage("-append only allowed with -kernel option");
        assertThatThrownBy(() -> SettingsReader.read(Arguments.parse())).hasMessageStartingWith("nothing to boot:");
    }

    @Test
    void helpListsDevicesAndProperties() {
        assertThat(SettingsReader.help(Arguments.parse("-device", "help"))).get().asString()
                .contains("name \"virtio-blk-pci\", bus PCI");
        assertThat(SettingsReader.help(Arguments.parse("-device", "virtio-blk,help"))).get().asString()
                .startsWith("virtio-blk-pci options:\n").contains("  num-queues=<1 to 64> (default: 1)\n",
                        "  packed=on|off (default: off)\n", "  drive=<text>, must be given\n");
    }

    private static VmSettings read(String... words) {
        return SettingsReader.read(Arguments.parse(Stream.concat(Stream.of("-kernel", "k"), Stream.of(words))
                .toArray(String[]::new)));
    }
}
