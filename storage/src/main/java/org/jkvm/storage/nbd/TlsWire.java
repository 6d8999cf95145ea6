package org.jkvm.storage.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import org.bouncycastle.tls.BasicTlsPSKIdentity;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.PSKTlsClient;
import org.bouncycastle.tls.PSKTlsServer;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.bouncycastle.tls.TlsProtocol;
import org.bouncycastle.tls.TlsServerProtocol;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

/**
 * TLS 1.2 with a pre-shared key (RFC 4279, RFC 5487) over another wire. The JDK's own TLS has no cipher suites with
 * pre-shared keys. The suites here are those that GnuTLS, which QEMU and nbdkit use, has too, with forward secrecy.
 */
final class TlsWire implements Wire {
    private static final int CHUNK = 16 << 10;

    private final TlsProtocol protocol;
    private final Wire below;
    private final InputStream in;
    private final OutputStream out;
    private final byte[] readBuffer = new byte[CHUNK];
    private final byte[] writeBuffer = new byte[CHUNK];

    private TlsWire(TlsProtocol protocol, Wire below) {
        this.protocol = protocol;
        this.below = below;
        this.in = protocol.getInputStream();
        this.out = protocol.getOutputStream();
    }

    private static int[] suites() {
        return new int[] {CipherSuite.TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256,
            CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384, CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256,
            CipherSuite.TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256};
    }

    /** Shakes hands as the client that {@code address} describes. */
    static Wire client(Wire wire, NbdAddress address) throws IOException {
        if (address.pskFile() == null) {
            throw new IOException("TLS needs a pre-shared key: tls-psk-file=FILE");
        }
        PskFile keys = new PskFile(address.pskFile());
        String identity = keys.identity(address.user());
        byte[] key = keys.key(identity);
        if (key == null) {
            throw new IOException("'" + keys.path() + "' has no key for '" + identity + "'");
        }
        TlsClientProtocol protocol = new TlsClientProtocol(new Input(wire), new Output(wire));
        protocol.connect(new PSKTlsClient(crypto(), new BasicTlsPSKIdentity(identity, key)) {
            @Override
            protected int[] getSupportedCipherSuites() {
                return suites();
            }

            @Override
            protected ProtocolVersion[] getSupportedVersions() {
                return ProtocolVersion.TLSv12.only();
            }
        });
        return new TlsWire(protocol, wire);
    }

    /** Shakes hands as a server that knows {@code keys}. */
    static Wire server(Wire wire, PskFile keys) throws IOException {
        TlsServerProtocol protocol = new TlsServerProtocol(new Input(wire), new Output(wire));
        protocol.accept(new PSKTlsServer(crypto(), new Keys(keys)) {
            @Override
            protected int[] getSupportedCipherSuites() {
                return suites();
            }

            @Override
            protected ProtocolVersion[] getSupportedVersions() {
                return ProtocolVersion.TLSv12.only();
            }
        });
        return new TlsWire(protocol, wire);
    }

    private static BcTlsCrypto crypto() {
        return new BcTlsCrypto(new SecureRandom());
    }

    private record Keys(PskFile file) implements TlsPSKIdentityManager {
        @Override
        public byte[] getHint() {
            return null;
        }

        @Override
        public byte[] getPSK(byte[] identity) {
            return file.key(new String(identity, StandardCharsets.UTF_8));
        }
    }

    @Override
    public void read(ByteBuffer target) throws IOException {
        while (target.hasRemaining()) {
            int n = in.read(readBuffer, 0, Math.min(CHUNK, target.remaining()));
            if (n < 0) {
                throw new EOFException("the other side closed the connection");
            }
            target.put(readBuffer, 0, n);
        }
    }

    @Override
    public void write(ByteBuffer... parts) throws IOException {
        for (ByteBuffer part : parts) {
            while (part.hasRemaining()) {
                int n = Math.min(CHUNK, part.remaining());
                part.get(writeBuffer, 0, n);
                out.write(writeBuffer, 0, n);
            }
        }
    }

    @Override
    public void close() throws IOException {
        try {
            protocol.close();
        } finally {
            below.close();
        }
    }

    /** The bytes that TLS reads. */
    private static final class Input extends InputStream {
        private final Wire wire;

        Input(Wire wire) {
            this.wire = wire;
        }

        @Override
        public int read() throws IOException {
            return wire.read(1).get() & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            wire.read(ByteBuffer.wrap(bytes, offset, length));
            return length;
        }
    }

    /** The bytes that TLS writes. */
    private static final class Output extends OutputStream {
        private final Wire wire;

        Output(Wire wire) {
            this.wire = wire;
        }

        @Override
        public void write(int value) throws IOException {
            wire.write(ByteBuffer.wrap(new byte[] {(byte) value}));
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            wire.write(ByteBuffer.wrap(bytes, offset, length));
        }
    }
}
