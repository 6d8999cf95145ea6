package org.jkvm.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A thread that waits for events and says so, one after the other. Whoever is told takes the event: while nobody does, it is
 * told again. Events are added and removed from any thread.
 */
public final class EventLoop implements AutoCloseable {
    private static final MethodHandle POLL = Native.link("poll");
    /** struct pollfd (poll(2)): int fd, short events, short revents. */
    private static final int POLLFD = 8;
    private static final int EVENTS = 4;
    private static final int REVENTS = 6;
    private static final short POLLIN = 1;
    private static final int FOREVER = -1;

    private final List<Watch> watches = new CopyOnWriteArrayList<>();
    /** Raised where there is something new to wait for. */
    private final EventCounter news = EventCounter.open();
    private volatile boolean closed;

    private record Watch(EventCounter event, Runnable action) {
    }

    /** A loop on a thread of that name. */
    public EventLoop(String name) {
        watches.add(new Watch(news, news::take));
        Thread.ofPlatform().daemon().name(name).start(this::loop);
    }

    /** From now on {@code action} is run while {@code event} has happened and was not taken. It must not throw. */
    public void add(EventCounter event, Runnable action) {
        watches.add(new Watch(event, action));
        news.raise();
    }

    /** No longer waits for {@code event}; its action may be running still. */
    public void remove(EventCounter event) {
        watches.removeIf(w -> w.event == event);
        news.raise();
    }

    private void loop() {
        while (!closed) {
            List<Watch> now = List.copyOf(watches);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment table = arena.allocate((long) POLLFD * now.size(), Integer.BYTES);
                for (int n = 0; n < now.size(); n++) {
                    table.set(ValueLayout.JAVA_INT, (long) POLLFD * n, now.get(n).event.descriptor());
                    table.set(ValueLayout.JAVA_SHORT, (long) POLLFD * n + EVENTS, POLLIN);
                }
                Native.call(POLL, table.address(), now.size(), FOREVER);
                for (int n = 0; n < now.size(); n++) {
                    tell(now.get(n), table.get(ValueLayout.JAVA_SHORT, (long) POLLFD * n + REVENTS));
                }
            }
        }
        news.close();
    }

    private void tell(Watch watch, short happened) {
        if ((happened & POLLIN) != 0 && watches.contains(watch)) {
            watch.action.run();
        }
    }

    /** The thread ends soon; it may be running one more action. */
    @Override
    public void close() {
        closed = true;
        news.raise();
    }
}
