package org.jkvm.base.state;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jkvm.base.Bits;

/** A saved state in memory: names to numbers, texts, bytes and further trees. What snapshots and tests pass around. */
public final class StateTree {
    private final Map<String, Object> values;

    private StateTree(Map<String, Object> values) {
        this.values = values;
    }

    /** Saves {@code source}. */
    public static StateTree save(Stateful source) {
        Map<String, Object> values = new LinkedHashMap<>();
        source.exchangeState(new Saver(values));
        return new StateTree(values);
    }

    /** Takes a tree that came from elsewhere: Long, String, byte[] and nested maps of these. */
    public static StateTree of(Map<String, Object> values) {
        return new StateTree(values);
    }

    /** The names and values, in the order they were saved in. */
    public Map<String, Object> values() {
        return values;
    }

    /**
     * Restores {@code target} from this tree.
     *
     * @throws StateException when a name is missing or left over, or a value does not fit
     */
    public void restore(Stateful target) {
        Loader loader = new Loader(values);
        target.exchangeState(loader);
        loader.checkNothingLeft();
    }

    private record Saver(Map<String, Object> values) implements StateIo {
        @Override
        public boolean restoring() {
            return false;
        }

        @Override
        public long bits(String name, int bits, long value) {
            put(name, value & Bits.mask(bits));
            return value & Bits.mask(bits);
        }

        @Override
        public String text(String name, String value) {
            put(name, value);
            return value;
        }

        @Override
        public void bytes(String name, byte[] value) {
            put(name, value.clone());
        }

        @Override
        public byte[] blob(String name, byte[] value, int maxLength) {
            put(name, value.clone());
            return value;
        }

        @Override
        public void part(String name, Stateful part) {
            put(name, save(part).values);
        }

        private void put(String name, Object value) {
            if (values.put(name, value) != null) {
                throw new IllegalStateException("field exchanged twice: " + name);
            }
        }
    }

    private static final class Loader implements StateIo {
        private final Map<String, Object> values;
        private final Set<String> left;

        Loader(Map<String, Object> values) {
            this.values = values;
            this.left = new LinkedHashSet<>(values.keySet());
        }

        @Override
        public boolean restoring() {
            return true;
        }

        @Override
        public long bits(String name, int bits, long value) {
            long loaded = take(name, Long.class);
            if ((loaded & ~Bits.mask(bits)) != 0) {
                throw new StateException(name + ": " + Long.toHexString(loaded) + "h does not fit " + bits + " bits");
            }
            return loaded;
        }

        @Override
        public String text(String name, String value) {
            return take(name, String.class);
        }

        @Override
        public void bytes(String name, byte[] value) {
            byte[] loaded = take(name, byte[].class);
            if (loaded.length != value.length) {
                throw new StateException(name + ": " + loaded.length + " bytes where " + value.length + " are due");
            }
            System.arraycopy(loaded, 0, value, 0, value.length);
        }

        @Override
        public byte[] blob(String name, byte[] value, int maxLength) {
            byte[] loaded = take(name, byte[].class);
            if (loaded.length > maxLength) {
                throw new StateException(name + ": " + loaded.length + " bytes, at most " + maxLength + " are allowed");
            }
            return loaded.clone();
        }

        @Override
        @SuppressWarnings("unchecked")
        public void part(String name, Stateful part) {
            new StateTree((Map<String, Object>) take(name, Map.class)).restore(part);
        }

        void checkNothingLeft() {
            if (!left.isEmpty()) {
                throw new StateException("unknown fields: " + left);
            }
        }

        private <T> T take(String name, Class<T> type) {
            Object value = values.get(name);
            if (!type.isInstance(value) || !left.remove(name)) {
                throw new StateException(name + ": missing, or not a " + type.getSimpleName());
            }
            return type.cast(value);
        }
    }
}
