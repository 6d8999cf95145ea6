package org.jkvm.storage.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jkvm.base.Bits;

/** The client's side of the handshake (proto.md, "Fixed newstyle negotiation"). Used once, by one thread. */
final class ClientHandshake {
    private static final int MAX_REPLY = 64 << 10;
    private static final int MAX_REPLIES = 1000;

    private final NbdAddress address;
    private Wire wire;
    private long size = -1;
    private int flags;
    private int minBlock = 1;
    private int maxPayload = Nbd.MAX_PAYLOAD;
    private int contextId = -1;

    /** An answer to an option. */
    private record Reply(int type, ByteBuffer data) {
    }

    ClientHandshake(Wire wire, NbdAddress address) {
        this.wire = wire;
        this.address = address;
    }

    /** The stream after the handshake: not the one before where TLS began meanwhile. */
    Wire wire() {
        return wire;
    }

    /** Shakes hands for reading and writing data. */
    ExportInfo run() throws IOException {
        greet();
        if (address.tls()) {
            startTls();
        }
        boolean structured = ask(Nbd.OPT_STRUCTURED_REPLY, ByteBuffer.allocate(0)).type == Nbd.REP_ACK;
        if (structured) {
            askForAllocation();
        }
        if (!go()) {
            exportName();
        }
        require(size >= 0 && Bits.isPowerOfTwo(minBlock) && minBlock <= 1 << 16 && maxPayload >= minBlock,
                "the server describes an export that makes no sense");
        return new ExportInfo(size, flags, minBlock, Math.min(maxPayload, Nbd.MAX_PAYLOAD), structured, contextId);
    }

    private void greet() throws IOException {
        ByteBuffer greeting = wire.read(18);
        require(greeting.getLong() == Nbd.NBDMAGIC, "no NBD server");
        require(greeting.getLong() == Nbd.IHAVEOPT, "a server of the old style, which is not supported");
        int offered = greeting.getShort();
        require((offered & Nbd.FLAG_FIXED_NEWSTYLE) != 0, "a server of the unfixed newstyle, which is not supported");
        int both = offered & (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        require((both & Nbd.FLAG_NO_ZEROES) != 0, "a server that pads its answers, which is not supported");
        wire.write(ByteBuffer.allocate(4).putInt(both).flip());
    }

    private void startTls() throws IOException {
        Reply reply = ask(Nbd.OPT_STARTTLS, ByteBuffer.allocate(0));
        require(reply.type == Nbd.REP_ACK, "the server has no TLS: " + refusal(reply));
        wire = TlsWire.client(wire, address);
    }

    private void askForAllocation() throws IOException {
        byte[] name = bytes(address.export());
        byte[] query = bytes(Nbd.BASE_ALLOCATION);
        send(Nbd.OPT_SET_META_CONTEXT, ByteBuffer.allocate(4 + name.length + 4 + 4 + query.length).putInt(name.length)
                .put(name).putInt(1).putInt(query.length).put(query).flip());
        Reply reply = reply(Nbd.OPT_SET_META_CONTEXT);
        for (int i = 0; reply.type == Nbd.REP_META_CONTEXT && i < MAX_REPLIES; i++) {
            require(reply.data.remaining() >= 4, "a context without a number");
            contextId = reply.data.getInt();
            reply = reply(Nbd.OPT_SET_META_CONTEXT);
        }
    }

    /** Returns false where the server does not know NBD_OPT_GO. */
    private boolean go() throws IOException {
        byte[] name = bytes(address.export());
        send(Nbd.OPT_GO, ByteBuffer.allocate(4 + name.length + 4).putInt(name.length).put(name).putShort((short) 1)
                .putShort((short) Nbd.INFO_BLOCK_SIZE).flip());
        Reply reply = reply(Nbd.OPT_GO);
        for (int i = 0; reply.type == Nbd.REP_INFO && i < MAX_REPLIES; i++) {
            info(reply.data);
            reply = reply(Nbd.OPT_GO);
        }
        if (reply.type == Nbd.REP_ERR_UNSUP) {
            return false;
        }
        require(reply.type == Nbd.REP_ACK, refusal(reply));
        return true;
    }

    private void info(ByteBuffer data) throws IOException {
        require(data.remaining() >= 2, "information of no kind");
        int kind = data.getShort();
        if (kind == Nbd.INFO_EXPORT && data.remaining() >= 10) {
            size = data.getLong();
            flags = data.getShort() & 0xffff;
        } else if (kind == Nbd.INFO_BLOCK_SIZE && data.remaining() >= 12) {
            minBlock = data.getInt();
            data.getInt();
            maxPayload = (int) Math.min(data.getInt() & 0xffff_ffffL, Nbd.MAX_PAYLOAD);
        }
    }

    private void exportName() throws IOException {
        send(Nbd.OPT_EXPORT_NAME, ByteBuffer.wrap(bytes(address.export())));
        ByteBuffer answer = wire.read(10);
        size = answer.getLong();
        flags = answer.getShort() & 0xffff;
    }

    private Reply ask(int option, ByteBuffer data) throws IOException {
        send(option, data);
        return reply(option);
    }

    private void send(int option, ByteBuffer data) throws IOException {
        wire.write(ByteBuffer.allocate(16).putLong(Nbd.IHAVEOPT).putInt(option).putInt(data.remaining()).flip(), data);
    }

    private Reply reply(int option) throws IOException {
        ByteBuffer header = wire.read(20);
        require(header.getLong() == Nbd.OPTION_REPLY && header.getInt() == option, "an answer to what was not asked");
        int type = header.getInt();
        int length = header.getInt();
        require(length >= 0 && length <= MAX_REPLY, "an answer of " + (length & 0xffff_ffffL) + " bytes");
        return new Reply(type, wire.read(length));
    }

    private String refusal(Reply reply) {
        byte[] text = new byte[Math.min(reply.data.remaining(), Nbd.MAX_TEXT)];
        reply.data.get(text);
        String why = switch (reply.type) {
            case Nbd.REP_ERR_UNKNOWN -> "there is no export '" + address.export() + "'";
            case Nbd.REP_ERR_TLS_REQD -> "the server demands TLS (nbds://)";
            case Nbd.REP_ERR_POLICY -> "not allowed";
            default -> "refused with %08xh".formatted(reply.type);
        };
        String said = new String(text, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?");
        return said.isEmpty() ? why : why + " (\"" + said + "\")";
    }

    private static byte[] bytes(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        require(bytes.length <= Nbd.MAX_TEXT, "the export's name is longer than " + Nbd.MAX_TEXT + " bytes");
        return bytes;
    }

    private static void require(boolean condition, String message) throws IOException {
        if (!condition) {
            throw new IOException(message);
        }
    }
}
