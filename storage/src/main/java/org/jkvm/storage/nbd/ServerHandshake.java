package org.jkvm.storage.nbd;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** The server's side of the handshake (proto.md, "Fixed newstyle negotiation"). Used once, by one thread. */
final class ServerHandshake {
    /** More than the longest option that is understood. */
    private static final int MAX_OPTION = 16 << 10;
    /** A client that asks and never comes to the point is sent away. */
    private static final int MAX_OPTIONS = 200;
    private static final int ALLOCATION_ID = 1;
    private static final int PREFERRED_BLOCK = 4096;

    private final List<NbdExport> exports;
    private final PskFile keys;
    private Wire wire;
    private boolean encrypted;
    private boolean structured;
    private String allocationFor;
    private boolean noZeroes;

    /** What a client chose. */
    record Choice(NbdExport export, Wire wire, boolean structured, int contextId) {
    }

    /** {@code keys} is null where there is no TLS; where there are any nothing is done without. */
    ServerHandshake(Wire wire, List<NbdExport> exports, PskFile keys) {
        this.wire = wire;
        this.exports = exports;
        this.keys = keys;
    }

    /** Shakes hands; empty where the client leaves without choosing. */
    Optional<Choice> run() throws IOException {
        wire.write(ByteBuffer.allocate(18).putLong(Nbd.NBDMAGIC).putLong(Nbd.IHAVEOPT)
                .putShort((short) (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)).flip());
        int flags = wire.read(4).getInt();
        if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
            throw new ProtocolException("client flags %08xh".formatted(flags));
        }
        noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
        for (int i = 0; i < MAX_OPTIONS; i++) {
            ByteBuffer header = wire.read(16);
            if (header.getLong() != Nbd.IHAVEOPT) {
                throw new ProtocolException("an option without its magic number");
            }
            Optional<NbdExport> chosen = option(header.getInt(), header.getInt());
            if (chosen == null) {
                return Optional.empty();
            }
            if (chosen.isPresent()) {
                return chosen.map(this::choice);
            }
        }
        throw new ProtocolException("more than " + MAX_OPTIONS + " options");
    }

    private Choice choice(NbdExport export) {
        return new Choice(export, wire, structured, export.name().equals(allocationFor) ? ALLOCATION_ID : -1);
    }

    /** The export where the option ends the handshake, empty where it goes on, null where the client leaves. */
    private Optional<NbdExport> option(int option, int length) throws IOException {
        if (length < 0 || length > MAX_OPTION) {
            throw new ProtocolException("an option of " + (length & 0xffff_ffffL) + " bytes");
        }
        ByteBuffer data = wire.read(length);
        if (keys != null && !encrypted && option != Nbd.OPT_STARTTLS && option != Nbd.OPT_ABORT) {
            if (option == Nbd.OPT_EXPORT_NAME) {
                return null;
            }
            return refuse(option, Nbd.REP_ERR_TLS_REQD, "this server demands TLS");
        }
        return switch (option) {
            case Nbd.OPT_EXPORT_NAME -> exportName(text(data));
            case Nbd.OPT_ABORT -> abort();
            case Nbd.OPT_LIST -> list(data);
            case Nbd.OPT_STARTTLS -> startTls(data);
            case Nbd.OPT_INFO, Nbd.OPT_GO -> info(option, data);
            case Nbd.OPT_STRUCTURED_REPLY -> structured(data);
            case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> contexts(option, data);
            default -> refuse(option, Nbd.REP_ERR_UNSUP, "unknown option");
        };
    }

    private Optional<NbdExport> exportName(String name) throws IOException {
        Optional<NbdExport> export = find(name);
        if (export.isEmpty()) {
            return null;
        }
        ByteBuffer answer = ByteBuffer.allocate(noZeroes ? 10 : 134);
        wire.write(answer.putLong(0, export.get().image().size()).putShort(8, (short) export.get().flags()));
        return export;
    }

    private Optional<NbdExport> abort() throws IOException {
        reply(Nbd.OPT_ABORT, Nbd.REP_ACK, ByteBuffer.allocate(0));
        return null;
    }

    private Optional<NbdExport> list(ByteBuffer data) throws IOException {
        if (data.hasRemaining()) {
            return refuse(Nbd.OPT_LIST, Nbd.REP_ERR_INVALID, "data where none is expected");
        }
        for (NbdExport export : exports) {
            byte[] name = bytes(export.name());
            byte[] description = bytes(export.description());
            reply(Nbd.OPT_LIST, Nbd.REP_SERVER, ByteBuffer.allocate(4 + name.length + description.length)
                    .putInt(name.length).put(name).put(description).flip());
        }
        return ack(Nbd.OPT_LIST);
    }

    private Optional<NbdExport> startTls(ByteBuffer data) throws IOException {
        if (data.hasRemaining() || encrypted) {
            return refuse(Nbd.OPT_STARTTLS, Nbd.REP_ERR_INVALID, "not now");
        }
        if (keys == null) {
            return refuse(Nbd.OPT_STARTTLS, Nbd.REP_ERR_POLICY, "this server has no TLS");
        }
        ack(Nbd.OPT_STARTTLS);
        try {
            wire = TlsWire.server(wire, keys);
        } catch (IOException e) {
            throw new ProtocolException("TLS: " + e.getMessage());
        }
        encrypted = true;
        // What was agreed on before anybody could have been in between (proto.md, "NBD_OPT_STARTTLS").
        structured = false;
        allocationFor = null;
        return Optional.empty();
    }

    private Optional<NbdExport> info(int option, ByteBuffer data) throws IOException {
        String name = name(data);
        if (name == null || data.remaining() < 2 || data.remaining() != 2 + 2 * (data.getShort(data.position()) & 0xffff)) {
            return refuse(option, Nbd.REP_ERR_INVALID, "malformed");
        }
        Optional<NbdExport> export = find(name);
        if (export.isEmpty()) {
            return refuse(option, Nbd.REP_ERR_UNKNOWN, "there is no export '" + name + "'");
        }
        data.getShort();
        while (data.hasRemaining()) {
            describe(option, data.getShort() & 0xffff, export.get());
        }
        reply(option, Nbd.REP_INFO, ByteBuffer.allocate(12).putShort((short) Nbd.INFO_EXPORT)
                .putLong(export.get().image().size()).putShort((short) export.get().flags()).flip());
        ack(option);
        return option == Nbd.OPT_GO ? export : Optional.empty();
    }

    private void describe(int option, int kind, NbdExport export) throws IOException {
        switch (kind) {
            case Nbd.INFO_BLOCK_SIZE -> reply(option, Nbd.REP_INFO, ByteBuffer.allocate(14).putShort((short) kind)
                    .putInt(export.image().blockSize()).putInt(Math.max(PREFERRED_BLOCK, export.image().blockSize()))
                    .putInt(Nbd.MAX_PAYLOAD).flip());
            case Nbd.INFO_NAME -> text(option, kind, export.name());
            case Nbd.INFO_DESCRIPTION -> text(option, kind, export.description());
            default -> {
                // A server may leave out what it does not know (proto.md, "NBD_OPT_INFO").
            }
        }
    }

    private void text(int option, int kind, String text) throws IOException {
        byte[] bytes = bytes(text);
        reply(option, Nbd.REP_INFO, ByteBuffer.allocate(2 + bytes.length).putShort((short) kind).put(bytes).flip());
    }

    private Optional<NbdExport> structured(ByteBuffer data) throws IOException {
        if (data.hasRemaining()) {
            return refuse(Nbd.OPT_STRUCTURED_REPLY, Nbd.REP_ERR_INVALID, "data where none is expected");
        }
        structured = true;
        return ack(Nbd.OPT_STRUCTURED_REPLY);
    }

    private Optional<NbdExport> contexts(int option, ByteBuffer data) throws IOException {
        String name = name(data);
        if (name == null || data.remaining() < 4 || !structured && option == Nbd.OPT_SET_META_CONTEXT) {
            return refuse(option, Nbd.REP_ERR_INVALID, structured ? "malformed" : "structured replies come first");
        }
        if (find(name).isEmpty()) {
            return refuse(option, Nbd.REP_ERR_UNKNOWN, "there is no export '" + name + "'");
        }
        boolean listing = option == Nbd.OPT_LIST_META_CONTEXT;
        int queries = data.getInt();
        boolean allocation = listing && queries == 0;
        for (int i = 0; i < queries; i++) {
            String query = name(data);
            if (query == null) {
                return refuse(option, Nbd.REP_ERR_INVALID, "malformed");
            }
            allocation |= query.equals(Nbd.BASE_ALLOCATION) || listing && query.equals("base:");
        }
        if (allocation) {
            byte[] text = bytes(Nbd.BASE_ALLOCATION);
            reply(option, Nbd.REP_META_CONTEXT, ByteBuffer.allocate(4 + text.length).putInt(listing ? 0 : ALLOCATION_ID)
                    .put(text).flip());
        }
        if (!listing) {
            allocationFor = allocation ? name : null;
        }
        return ack(option);
    }

    /** A text with its length before it, or null where that is wrong. */
    private static String name(ByteBuffer data) {
        if (data.remaining() < 4) {
            return null;
        }
        int length = data.getInt();
        if (length < 0 || length > Math.min(data.remaining(), Nbd.MAX_TEXT)) {
            return null;
        }
        byte[] name = new byte[length];
        data.get(name);
        return new String(name, StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer data) {
        return StandardCharsets.UTF_8.decode(data).toString();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Optional<NbdExport> find(String name) {
        return exports.stream().filter(e -> e.name().equals(name)).findFirst();
    }

    private Optional<NbdExport> ack(int option) throws IOException {
        reply(option, Nbd.REP_ACK, ByteBuffer.allocate(0));
        return Optional.empty();
    }

    private Optional<NbdExport> refuse(int option, int error, String why) throws IOException {
        reply(option, error, ByteBuffer.wrap(bytes(why)));
        return Optional.empty();
    }

    private void reply(int option, int type, ByteBuffer data) throws IOException {
        wire.write(ByteBuffer.allocate(20).putLong(Nbd.OPTION_REPLY).putInt(option).putInt(type).putInt(data.remaining())
                .flip(), data);
    }
}
