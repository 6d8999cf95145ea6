package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the translator tells: Flight Recorder's events, off unless asked for, one a translation and one an exit; and its counters. */
class EngineEventsTest {
    private static final String TRANSLATION = "org.jkvm.Translation";
    private static final String EXIT = "org.jkvm.Exit";
    /** Some, as it may take a moment in which the host does something else; there are 20,000 occasions. */
    private static final int MOST_FAILURES = 1000;

    @TempDir
    Path folder;

    @Test
    void tellWhatWasTranslatedAndWhyItWasLeft() throws IOException {
        TestBackend.TRANSLATOR.assumePresent();
        assertThat(record()).extracting(e -> e.getEventType().getName()).doesNotContain(TRANSLATION, EXIT);
        List<RecordedEvent> events = record(TRANSLATION, EXIT);
        assertThat(events).filteredOn(e -> e.getEventType().getName().equals(TRANSLATION)).isNotEmpty()
                .allSatisfy(e -> assertThat(e.getInt("bytes")).isGreaterThan(e.getInt("instructions")));
        assertThat(events).filteredOn(e -> e.getEventType().getName().equals(EXIT))
                .extracting(e -> e.getString("reason") + " " + e.getString("instruction")).contains("STEP OUT", "EDGE ");
    }

    /** Checks that keep failing are given up at one address of the code, though they hold at another. */
    @Test
    void failingChecksAreGivenUp() {
        TestBackend.TRANSLATOR.assumePresent();
        Payload payload = Payload.load("apart");
        try (PayloadMachine machine = new PayloadMachine(TestBackend.TRANSLATOR.hypervisor(),
                TestBackend.TRANSLATOR.models().parse("max", 1, 1))) {
            assertThat(machine.run(payload.code()).lines()).containsExactlyElementsOf(payload.expected());
            Matcher failed = Pattern.compile("SPAN +(\\d+)").matcher(machine.describeEngine());
            assertThat(failed.find()).isTrue();
            assertThat(Integer.parseInt(failed.group(1))).isBetween(1, MOST_FAILURES);
        }
    }

    private List<RecordedEvent> record(String... events) throws IOException {
        Path file = folder.resolve("recording.jfr");
        try (Recording recording = new Recording()) {
            for (String event : events) {
                recording.enable(event);
            }
            recording.start();
            Payload payload = Payload.load("paging");
            try (PayloadMachine machine = new PayloadMachine(TestBackend.TRANSLATOR.hypervisor(),
                    TestBackend.TRANSLATOR.models().parse("max", 1, 1))) {
                machine.run(payload.code());
            }
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file);
    }
}
