package org.jkvm.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Several threads at one task. */
final class Workers {
    private Workers() {
    }

    /** What each of them does. */
    interface Task {
        void run() throws IOException;
    }

    /**
     * Has {@code count} threads run {@code task}, one of them the caller's, and waits for all.
     *
     * @throws IOException the first failure
     */
    static void run(int count, Task task) throws IOException {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> others = new ArrayList<>();
            for (int i = 1; i < count; i++) {
                others.add(threads.submit(() -> {
                    task.run();
                    return null;
                }));
            }
            task.run();
            for (Future<?> other : others) {
                Requests.await(other);
            }
        }
    }
}
