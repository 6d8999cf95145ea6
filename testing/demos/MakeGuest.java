import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.app.guest.DebianGuests;
import org.jkvm.app.guest.LinuxGuest;

/** Writes an initial RAM disk that starts a script, and prints the path of the kernel that goes with it. */
final class MakeGuest {
    private MakeGuest() {
    }

    /** The script's path, and the RAM disk's. */
    public static void main(String[] words) throws Exception {
        LinuxGuest linux = new DebianGuests(DebianGuests.userCache(), System.err::println).linux("amd64",
                "linux-image-cloud-amd64");
        linux.writeInitrd(Path.of(words[1]), LinuxGuest.VIRTIO_AND_EXT4, Files.readString(Path.of(words[0])));
        System.out.println(linux.kernel());
    }
}
