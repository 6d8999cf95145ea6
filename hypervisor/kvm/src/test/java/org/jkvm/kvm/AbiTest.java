package org.jkvm.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Structures, offsets, request codes and capability numbers, against the kernel's own headers. */
class AbiTest {
    @TempDir
    Path folder;

    @Test
    void weSayWhatTheHeadersSay() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/include/linux/kvm.h")), "the kernel's headers are not installed");
        assertThat(theirs(program())).isEqualTo(ours());
    }

    private static Map<String, Long> ours() {
        Map<String, Long> values = new LinkedHashMap<>();
        for (CStruct struct : Stream.concat(Abi.all().stream(), ChipAbi.all().stream()).toList()) {
            values.put("sizeof(struct " + struct.name() + ")", (long) struct.size());
            struct.fields().forEach((field, offset) ->
                    values.put("offsetof(struct " + struct.name() + ", " + field + ")", (long) offset));
        }
        Arrays.stream(Request.values()).forEach(request -> values.put(request.name(), request.code()));
        Arrays.stream(KernelCapability.values()).forEach(c -> values.put("KVM_CAP_" + c.name(), (long) c.number()));
        return values;
    }

    private static String program() {
        return ours().keySet().stream().map(e -> "  printf(\"%%lu\\t%%s\\n\", (unsigned long)(%s), \"%s\");".formatted(e, e))
                .collect(Collectors.joining("\n", "#include <stdio.h>\n#include <stddef.h>\n#include <linux/kvm.h>\nint main() {\n",
                        "\n}\n"));
    }

    private Map<String, Long> theirs(String program) throws IOException, InterruptedException {
        Files.writeString(folder.resolve("abi.c"), program);
        assumeTrue(run("cc", "-o", "abi", "abi.c") != null, "there is no C compiler");
        Map<String, Long> values = new LinkedHashMap<>();
        run("./abi").lines().map(line -> line.split("\t")).forEach(w -> values.put(w[1], Long.parseLong(w[0])));
        return values;
    }

    /** What a command prints, or null where it fails. */
    private String run(String... command) throws IOException, InterruptedException {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes());
            return process.waitFor() == 0 ? output : null;
        } catch (IOException missing) {
            return null;
        }
    }
}
