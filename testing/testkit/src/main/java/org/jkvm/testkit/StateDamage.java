package org.jkvm.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Damages saved states at random: a number, some bytes or a text changed, a length changed, a name lost or made up. */
final class StateDamage {
    private final Random random;

    StateDamage(Random random) {
        this.random = random;
    }

    /** A copy of {@code tree} with one thing in it damaged. */
    Map<String, Object> damaged(Map<String, Object> tree) {
        Map<String, Object> copy = new LinkedHashMap<>(tree);
        if (copy.isEmpty() || random.nextInt(40) == 0) {
            copy.put("made up", 1L);
            return copy;
        }
        List<String> names = new ArrayList<>(copy.keySet());
        String name = names.get(random.nextInt(names.size()));
        if (random.nextInt(40) == 0) {
            copy.remove(name);
        } else {
            copy.put(name, damagedValue(copy.get(name)));
        }
        return copy;
    }

    @SuppressWarnings("unchecked")
    private Object damagedValue(Object value) {
        return switch (value) {
            case Long number -> damagedNumber(number);
            case byte[] bytes -> damagedBytes(bytes);
            case Map<?, ?> part -> damaged((Map<String, Object>) part);
            default -> value + "?";
        };
    }

    private long damagedNumber(long number) {
        return switch (random.nextInt(3)) {
            case 0 -> number ^ 1L << random.nextInt(8);
            case 1 -> number ^ 1L << random.nextInt(64);
            default -> random.nextLong() >>> random.nextInt(64);
        };
    }

    private byte[] damagedBytes(byte[] bytes) {
        byte[] damaged = new byte[random.nextInt(4) == 0 ? random.nextInt(2 * bytes.length + 2) : bytes.length];
        random.nextBytes(damaged);
        return damaged;
    }
}
