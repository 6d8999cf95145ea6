package org.jkvm.app.img;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Does what commands mostly do, with small images in a folder for temporary files, so that the JVM knows the way. */
public final class Exercise {
    private final Path folder;
    private final Path image;
    private final Path copy;
    private final Path raw;

    private Exercise(Path folder) {
        this.folder = folder;
        this.image = folder.resolve("a.qcow2");
        this.copy = folder.resolve("b.qcow2");
        this.raw = folder.resolve("c.raw");
    }

    /** What commands that look at metadata do, once. */
    public static void look() throws IOException {
        look(1);
    }

    /** The same, and what only reads so many times. */
    public static void look(int times) throws IOException {
        Exercise exercise = begin();
        try {
            img("--version");
            img("snapshot -c one " + exercise.image);
            for (int i = 0; i < times; i++) {
                exercise.read();
            }
            img("resize " + exercise.image + " +1G");
        } finally {
            exercise.end();
        }
    }

    private void read() {
        img("info " + image);
        img("info --output=json " + image);
        img("check " + image);
        img("map " + image);
        img("snapshot -l " + image);
    }

    /** What commands that copy do. */
    public static void copy() throws IOException {
        Exercise exercise = begin();
        try {
            exercise.copies();
        } finally {
            exercise.end();
        }
    }

    private void copies() {
        img("--version");
        img("convert -f raw -O qcow2 -S 0 " + raw + " " + copy);
        img("compare -f qcow2 -F raw " + copy + " " + raw);
        img("convert -f qcow2 -O raw " + copy + " " + raw);
        img("convert -f raw -O qcow2 -S 0 -c " + raw + " " + copy);
    }

    /** With an image whose clusters have places in its file. */
    private static Exercise begin() throws IOException {
        Exercise exercise = new Exercise(Files.createTempDirectory("kvm-img"));
        Files.write(exercise.raw, new byte[4 << 20]);
        img("create -f qcow2 -o preallocation=metadata " + exercise.image + " 1G");
        return exercise;
    }

    private void end() throws IOException {
        for (Path file : List.of(image, copy, raw, folder)) {
            Files.deleteIfExists(file);
        }
    }

    private static void img(String words) {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        KvmImg.run(words.split(" "), nowhere, nowhere);
    }
}
