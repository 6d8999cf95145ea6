package org.jkvm.storage.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jkvm.base.UserException;
import org.jkvm.storage.CreateOptions;
import org.jkvm.storage.Image;
import org.jkvm.storage.Images;
import org.jkvm.storage.OpenOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk that is changed while somebody uses it. */
@Timeout(60)
class DriveTest {
    private static final int MIB = 1 << 20;

    @TempDir
    private Path folder;
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void free() {
        arena.close();
    }

    private Path image(String name, String format) {
        Path path = folder.resolve(name);
        Images.create(path, CreateOptions.of(format, 4 * MIB));
        return path;
    }

    private Drive drive(Path path, String format, DetectZeroes zeroes, boolean temporary) {
        Source source = new Source(path, OpenOptions.defaults().withFormat(format), temporary);
        return new Drive("d0", source, new Throttle(), zeroes);
    }

    private MemorySegment block(int value) {
        MemorySegment block = arena.allocate(4096, 4096);
        block.fill((byte) value);
        return block;
    }

    /** A mirror is also how one leaves an image that fails. */
    @Test
    void anImageThatCannotBeClosedIsLeftAllTheSame() throws IOException {
        Source old = new Source(image("old", "raw"), OpenOptions.defaults().withFormat("raw"), false);
        Source next = old.at(image("next", "raw"), "raw");
        Drive drive = drive(old.path(), "raw", DetectZeroes.OFF, false);
        try (Image first = drive.image()) {
            drive.drained(() -> {
                drive.switchTo(old, failing(first));
                return null;
            });
        }
        drive.drained(() -> {
            drive.switchTo(next, next.open());
            return null;
        });
        drive.write(0, block(7)).join();
        assertThat(first(drive, 0)).isEqualTo(7);
        drive.close();
        assertThat(Files.readAllBytes(next.path())[0]).isEqualTo((byte) 7);
    }

    /** {@code image}, but reads throw and it can't be closed. */
    private static Image failing(Image image) {
        return (Image) Proxy.newProxyInstance(Image.class.getClassLoader(), new Class<?>[] {Image.class}, (_, method, _) ->
                switch (method.getName()) {
                    case "flush" -> CompletableFuture.completedFuture(null);
                    case "blockSize" -> image.blockSize();
                    default -> throw new UserException("closing image '" + image.path() + "': it is worn out");
                });
    }

    @Test
    void aRequestThatThrowsIsOver() throws IOException {
        Source source = new Source(image("old", "raw"), OpenOptions.defaults().withFormat("raw"), false);
        Drive drive = drive(source.path(), "raw", DetectZeroes.OFF, false);
        try (Image good = drive.image()) {
            drive.drained(() -> {
                drive.switchTo(source, failing(good));
                return null;
            });
            assertThatThrownBy(() -> drive.read(0, block(0)).join()).hasMessageContaining("internal error");
            drive.drained(() -> null);
        }
    }

    private int first(Drive drive, long offset) {
        MemorySegment target = arena.allocate(512);
        drive.read(offset, target).join();
        return target.get(ValueLayout.JAVA_BYTE, 0);
    }

    @Test
    void whatATemporaryDriveTakesIsGoneAtTheEnd() throws IOException {
        Path path = image("base.raw", "raw");
        byte[] before = Files.readAllBytes(path);
        try (Drive drive = drive(path, "raw", DetectZeroes.OFF, true)) {
            drive.write(8192, block(7)).join();
            assertThat(first(drive, 8192)).isEqualTo(7);
            assertThat(drive.readOnly()).isFalse();
        }
        assertThat(path).hasBinaryContent(before);
    }

    @Test
    void zeroesTakeNoRoomWhereTheyAreDetected() throws IOException {
        for (DetectZeroes zeroes : List.of(DetectZeroes.OFF, DetectZeroes.UNMAP)) {
            Path path = image(zeroes + ".qcow2", "qcow2");
            try (Drive drive = drive(path, "qcow2", zeroes, false)) {
                drive.write(0, arena.allocate(2 * MIB)).join();
                boolean stored = drive.image().status(0, 512).data();
                assertThat(stored).isEqualTo(zeroes == DetectZeroes.OFF);
            }
        }
    }

    @Test
    void aFileThatIsCutShortIsAnErrorAndNoZeroes() throws IOException {
        for (String format : List.of("raw", "qcow2")) {
            Path path = image("cut." + format, format);
            List<String> told = new ArrayList<>();
            try (Drive drive = drive(path, format, DetectZeroes.OFF, false)) {
                drive.onFailure((operation, failure) -> told.add(operation + " " + failure.getMessage()));
                MemorySegment all = arena.allocate(4 * MIB);
                drive.write(0, all.fill((byte) 5)).join();
                try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    file.truncate(MIB);
                }
                assertThat(first(drive, 0)).isEqualTo(5);
                assertThatThrownBy(() -> first(drive, 3 * MIB)).hasMessageContaining("somebody has truncated the file");
            }
            assertThat(told).singleElement().asString().startsWith("READ read of ");
        }
    }

    @Test
    void requestsMadeMeanwhileWaitUntilTheDiskIsChanged() throws Exception {
        try (Drive drive = drive(image("d.qcow2", "qcow2"), "qcow2", DetectZeroes.OFF, false)) {
            List<CompletableFuture<Void>> late = new ArrayList<>();
            drive.drained(() -> {
                late.add(drive.write(0, block(1)));
                late.add(drive.write(0, block(2)));
                assertThat(late).noneMatch(CompletableFuture::isDone);
                return null;
            });
            late.forEach(CompletableFuture::join);
            assertThat(drive.statistics().operations(Operation.WRITE)).isEqualTo(2);
            assertThat(drive.statistics().bytes(Operation.WRITE)).isEqualTo(8192);
        }
    }

    @Test
    void aDiskThatGrowsIsToldOf() throws IOException {
        List<Long> told = new ArrayList<>();
        try (Drive drive = drive(image("d.qcow2", "qcow2"), "qcow2", DetectZeroes.OFF, false)) {
            drive.onResize(() -> told.add(drive.size()));
            drive.resize(8 * MIB);
            drive.write(7 * MIB, block(3)).join();
            drive.resize(2 * MIB);
            assertThatThrownBy(() -> drive.read(7 * MIB, block(0)).join()).hasMessageContaining("beyond its end");
        }
        assertThat(told).containsExactly(8L * MIB, 2L * MIB);
    }

    @Test
    void aDiskThatCannotBeReplacedStaysWhatItWas() throws IOException {
        Path path = image("d.qcow2", "qcow2");
        try (Drive drive = drive(path, "qcow2", DetectZeroes.OFF, false)) {
            drive.write(0, block(9)).join();
            assertThatThrownBy(() -> drive.replace(() -> drive.source().at(folder.resolve("none"), "raw")))
                    .isInstanceOf(IOException.class).hasMessageContaining("no such file");
            assertThat(first(drive, 0)).isEqualTo(9);
            assertThat(drive.source().path()).isEqualTo(path);
        }
        try (Image image = Images.open(path, OpenOptions.defaults())) {
            assertThat(image.size()).isEqualTo(4 * MIB);
        }
    }
}
