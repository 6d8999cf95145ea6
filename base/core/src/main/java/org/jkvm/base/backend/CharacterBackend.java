package org.jkvm.base.backend;

/**
 * The other end of a serial line or console: a terminal, a file, a socket. Bytes to the host go by {@link #write};
 * bytes from the host arrive at the {@link Receiver}, on the back end's own thread.
 */
public interface CharacterBackend extends AutoCloseable {
    /** Nothing attached: output is dropped, no input comes. */
    CharacterBackend NULL = new CharacterBackend() {
        @Override
        public void write(byte[] bytes, int offset, int length) {
        }

        @Override
        public void connect(Receiver receiver) {
        }

        @Override
        public void close() {
        }
    };

    /** Sends bytes to the host. Never waits for a slow reader: what can't be taken is queued, within bounds, or lost. */
    void write(byte[] bytes, int offset, int length);

    /** Says who gets the input. Called once, before the machine starts; the back end then begins to read. */
    void connect(Receiver receiver);

    /** Writes out what is queued and lets go of the host's end. */
    @Override
    void close();

    /** The guest's end. */
    interface Receiver {
        /**
         * How many bytes can be taken now. The back end gives no more than that and asks again after
         * {@link #receive} or shortly later. From any thread.
         */
        int room();

        /** Takes bytes from the host. From the back end's thread. */
        void receive(byte[] bytes, int offset, int length);

        /** Somebody new is at the host end: a socket's next peer. From the back end's thread, before its first bytes. */
        default void connected() {
        }

        /** The host end sent a break condition. */
        default void receiveBreak() {
        }
    }
}
