package org.jkvm.payloads;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flight Recorder's events of the translator: off unless asked for, then one a translation and one an exit. */
class EngineEventsTest {
    private static final String TRANSLATION = "org.jkvm.Translation";
    private static final String EXIT = "org.jkvm.Exit";

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
