package org.jkvm.app;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jkvm.app.img.KvmImg;

/** What the launcher runs once, at build time, to fill the ahead-of-time cache. */
final class Training {
    private Training() {
    }

    /** Runs what every start needs. */
    public static void main(String[] args) throws IOException {
        Kvm.run("-version");
        Kvm.run("-help");
        trainImg();
    }

    private static void trainImg() throws IOException {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        Path image = Files.createTempFile("kvm-img", ".qcow2");
        try {
            KvmImg.run(new String[] {"create", "-f", "qcow2", image.toString(), "1G"}, nowhere, nowhere);
            KvmImg.run(new String[] {"info", "--output=json", image.toString()}, nowhere, nowhere);
            KvmImg.run(new String[] {"info", image.toString()}, nowhere, nowhere);
            KvmImg.run(new String[] {"check", image.toString()}, nowhere, nowhere);
        } finally {
            Files.delete(image);
        }
    }
}
