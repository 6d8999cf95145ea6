package org.jkvm.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateTree;
import org.jkvm.base.state.Stateful;
import org.jkvm.base.time.ManualClock;

/**
 * What must hold for the state of every chip. Two of a kind are driven at random, each its own way; then the first's
 * state goes into the second. From there on both are the same: their fields (found by reflection, so that one that
 * {@code exchangeState} forgets shows up), their states, and what they answer. Restoring drives no line.
 */
public final class StateContract {
    private static final int STEPS = 400;
    private static final int MAX_CLOCK_BITS = 34;

    private StateContract() {
    }

    /**
     * A chip on its test board.
     *
     * @param device  the chip
     * @param files   its register files, which are driven at random
     * @param clock   the clock that it was given
     * @param lines   the lines that it was given
     * @param stimuli what else happens to it: keys, input, events
     */
    public record Rig(Stateful device, List<RegisterFile> files, ManualClock clock, List<FakeLine> lines,
                      List<Consumer<Random>> stimuli) {
    }

    /** Checks the contract with some random histories; {@code board} makes a fresh chip each time. */
    public static void check(Supplier<Rig> board) {
        for (long seed = 1; seed <= 20; seed++) {
            try {
                check(board, seed);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    /**
     * Checks that a chip survives damaged states, as a snapshot is anybody's file: restoring one is refused with a
     * {@link StateException}, or leaves a chip that, whatever it then does, throws nothing.
     */
    public static void checkDamaged(Supplier<Rig> board) {
        for (long seed = 1; seed <= 100; seed++) {
            try {
                checkDamaged(board, seed);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
        }
    }

    private static void checkDamaged(Supplier<Rig> board, long seed) {
        Random random = new Random(seed);
        Rig original = board.get();
        drive(original, random);
        Map<String, Object> damaged = new StateDamage(random).damaged(StateTree.save(original.device).values());
        Rig copy = board.get();
        copy.clock.advance(original.clock.nanos());
        try {
            StateTree.of(damaged).restore(copy.device);
        } catch (StateException refused) {
            return;
        }
        drive(copy, random);
        StateTree.save(copy.device);
    }

    private static void check(Supplier<Rig> board, long seed) {
        Rig original = board.get();
        Rig copy = board.get();
        drive(original, new Random(seed));
        drive(copy, new Random(-seed));
        long now = Math.max(original.clock.nanos(), copy.clock.nanos());
        original.clock.advance(now - original.clock.nanos());
        copy.clock.advance(now - copy.clock.nanos());

        StateTree saved = StateTree.save(original.device);
        List<Boolean> levels = copy.lines.stream().map(FakeLine::level).toList();
        List<Integer> edges = copy.lines.stream().map(FakeLine::edges).toList();
        saved.restore(copy.device);
        same("line levels over a restore", levels, copy.lines.stream().map(FakeLine::level).toList());
        same("line edges over a restore", edges, copy.lines.stream().map(FakeLine::edges).toList());
        sameDump("fields after restoring", original, copy);
        sameTree("", saved.values(), StateTree.save(copy.device).values());
        same("answers after restoring", drive(original, new Random(~seed)), drive(copy, new Random(~seed)));
        sameDump("fields some time after restoring", original, copy);
    }

    /** Drives a chip at random and returns all that it answered. */
    private static List<String> drive(Rig rig, Random random) {
        List<String> answers = new ArrayList<>();
        for (int i = 0; i < STEPS; i++) {
            switch (random.nextInt(10)) {
                case 0 -> rig.clock.advance(random.nextLong(1L << random.nextInt(1, MAX_CLOCK_BITS)));
                case 1 -> stimulate(rig, random);
                case 2, 3, 4 -> answers.add(read(rig, random));
                default -> write(rig, random);
            }
        }
        return answers;
    }

    private static void stimulate(Rig rig, Random random) {
        if (!rig.stimuli.isEmpty()) {
            rig.stimuli.get(random.nextInt(rig.stimuli.size())).accept(random);
        }
    }

    private static String read(Rig rig, Random random) {
        RegisterFile file = rig.files.get(random.nextInt(rig.files.size()));
        long offset = offset(file, random);
        int size = 1 << random.nextInt(4);
        return file.chip() + "+" + offset + "/" + size + "=" + Long.toHexString(file.read(offset, size));
    }

    private static void write(Rig rig, Random random) {
        RegisterFile file = rig.files.get(random.nextInt(rig.files.size()));
        long value = switch (random.nextInt(4)) {
            case 0 -> 1L << random.nextInt(64);
            case 1 -> random.nextInt(16);
            default -> random.nextLong();
        };
        file.write(offset(file, random), random.nextInt(4) == 0 ? 4 : 1 << random.nextInt(3), value);
    }

    private static long offset(RegisterFile file, Random random) {
        int choices = file.registers().size() + file.windows().size();
        int choice = random.nextInt(choices);
        if (choice < file.registers().size()) {
            Register r = file.registers().get(choice);
            return r.offset() + random.nextInt(r.width() / 8);
        }
        RegisterFile.Window w = file.windows().get(choice - file.registers().size());
        return w.offset() + random.nextInt(w.length());
    }

    private static void same(String what, Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError(what + ": " + expected + " became " + actual);
        }
    }

    private static void sameDump(String what, Rig original, Rig copy) {
        Map<String, String> expected = FieldDump.of(original.device);
        Map<String, String> actual = FieldDump.of(copy.device);
        TreeSet<String> paths = new TreeSet<>(expected.keySet());
        paths.addAll(actual.keySet());
        paths.removeIf(p -> Objects.equals(expected.get(p), actual.get(p)));
        if (!paths.isEmpty()) {
            String p = paths.first();
            throw new AssertionError(what + ": " + paths + " differ; " + p + " is " + actual.get(p) + ", was "
                    + expected.get(p) + ". A field that is no state is marked transient.");
        }
    }

    private static void sameTree(String path, Map<?, ?> expected, Map<?, ?> actual) {
        same("names saved in " + path, expected.keySet(), actual.keySet());
        for (Map.Entry<?, ?> e : expected.entrySet()) {
            Object value = actual.get(e.getKey());
            if (e.getValue() instanceof Map<?, ?> inner && value instanceof Map<?, ?> innerActual) {
                sameTree(path + "/" + e.getKey(), inner, innerActual);
            } else {
                same("saved " + path + "/" + e.getKey(), e.getValue(), value);
            }
        }
    }
}
