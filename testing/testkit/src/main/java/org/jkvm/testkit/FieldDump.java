package org.jkvm.testkit;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jkvm.base.GuestMemory;
import org.jkvm.base.Line;
import org.jkvm.base.MsiSink;
import org.jkvm.base.backend.BlockDevice;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.base.register.Register;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.time.Clock;

/**
 * Everything that a chip remembers, found by reflection: path to value. Follows jkvm's own objects, arrays and
 * collections; leaves out wiring (lines, clocks, back ends, hooks: anything of the JDK's or a lambda's that isn't a
 * plain value) and fields marked {@code transient}, which is how a chip says that a field is no part of its state.
 */
public final class FieldDump {
    private static final List<Class<?>> WIRING = List.of(Line.class, Clock.class, Clock.Timer.class, GuestMemory.class,
            MsiSink.class, CharacterBackend.class, BlockDevice.class);

    private final Map<String, String> values = new TreeMap<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());

    private FieldDump() {
    }

    /** Dumps {@code root}. */
    public static Map<String, String> of(Object root) {
        FieldDump dump = new FieldDump();
        dump.visit("", root);
        return dump.values;
    }

    private void visit(String path, Object value) {
        switch (value) {
            case null -> values.put(path, "null");
            case Number n -> values.put(path, n.toString());
            case Boolean b -> values.put(path, b.toString());
            case String s -> values.put(path, s);
            case Enum<?> e -> values.put(path, e.name());
            case Comparable<?> c -> values.put(path, c.toString());
            case Register r -> values.put(path, Long.toHexString(r.get()));
            case RegisterFile f -> f.registers().forEach(r -> visit(path + "." + r.name(), r));
            case byte[] b -> values.put(path, HexFormat.of().formatHex(b));
            case Collection<?> c -> visitAll(path, c.toArray());
            case Map<?, ?> m -> m.forEach((k, v) -> visit(path + "[" + k + "]", v));
            default -> visitObject(path, value);
        }
    }

    private void visitAll(String path, Object array) {
        values.put(path + ".length", Integer.toString(Array.getLength(array)));
        for (int i = 0; i < Array.getLength(array); i++) {
            visit(path + "[" + i + "]", Array.get(array, i));
        }
    }

    private void visitObject(String path, Object value) {
        if (value.getClass().isArray()) {
            visitAll(path, value);
        } else if (isOurs(value.getClass()) && seen.add(value)) {
            for (Class<?> c = value.getClass(); isOurs(c); c = c.getSuperclass()) {
                visitFields(path, value, c);
            }
        }
    }

    private void visitFields(String path, Object value, Class<?> type) {
        for (Field f : type.getDeclaredFields()) {
            if (!Modifier.isStatic(f.getModifiers()) && !Modifier.isTransient(f.getModifiers()) && !f.isSynthetic()) {
                visit(path + "." + f.getName(), valueOf(f, value));
            }
        }
    }

    private static Object valueOf(Field field, Object object) {
        try {
            field.setAccessible(true);
            return field.get(object);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A class of jkvm's that isn't a lambda or something that chips are wired to. */
    private static boolean isOurs(Class<?> type) {
        return type.getName().startsWith("org.jkvm.") && !type.isHidden()
                && WIRING.stream().noneMatch(w -> w.isAssignableFrom(type));
    }
}
