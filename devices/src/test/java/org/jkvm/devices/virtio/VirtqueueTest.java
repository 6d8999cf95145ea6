package org.jkvm.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jkvm.base.state.StateTree;
import org.jkvm.devices.virtio.TestRing.Piece;
import org.jkvm.devices.virtio.TestRing.Used;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for a virtqueue in either ring format, with a driver's ring on the other side. */
class VirtqueueTest {
    private static final int SIZE = 8;
    private final TestMemory memory = new TestMemory();
    private TestRing ring;
    private Virtqueue queue;

    private void open(boolean packed, boolean eventIndex) {
        ring = packed ? new PackedTestRing(memory, SIZE) : new SplitTestRing(memory, SIZE);
        queue = Virtqueue.open(memory.ram, layout(packed, eventIndex));
    }

    private Virtqueue.Layout layout(boolean packed, boolean eventIndex) {
        return new Virtqueue.Layout(SIZE, ring.descriptor(), ring.driver(), ring.device(), packed, eventIndex, true);
    }

    private Piece out(String text) {
        return new Piece(memory.put(text.getBytes(StandardCharsets.US_ASCII)), text.length(), false);
    }

    private Piece in(int length) {
        return new Piece(memory.allocate(length, 8), length, true);
    }

    private static String text(Segments side) {
        byte[] bytes = new byte[(int) side.length()];
        side.read(0, bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainArrivesInItsParts(boolean packed) {
        open(packed, false);
        assertThat(queue.pop()).isNull();
        Piece answer = in(5);
        int id = ring.add(List.of(out("hello "), out("world"), answer, in(3)));
        Chain chain = queue.pop();
        assertThat(text(chain.readable())).isEqualTo("hello world");
        assertThat(chain.writable().length()).isEqualTo(8);
        assertThat(chain.writable().write(0, "fine".getBytes(StandardCharsets.US_ASCII), 0, 4)).isEqualTo(4);
        queue.push(chain, 4);
        assertThat(ring.poll()).isEqualTo(new Used(id, 4));
        assertThat(ring.poll()).isNull();
        assertThat(memory.get(answer.address(), 5)).isEqualTo("fine\0".getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anIndirectChainArrivesInItsParts(boolean packed) {
        open(packed, false);
        int id = ring.addIndirect(List.of(out("a"), out("bc"), out("d"), in(7)));
        Chain chain = queue.pop();
        assertThat(text(chain.readable())).isEqualTo("abcd");
        assertThat(chain.writable().length()).isEqualTo(7);
        assertThat(queue.slotsInFlight()).isEqualTo(1);
        queue.push(chain, 0);
        assertThat(ring.poll()).isEqualTo(new Used(id, 0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void indicesWrap(boolean packed) {
        open(packed, true);
        List<String> seen = new ArrayList<>();
        List<String> sent = IntStream.range(0, 200_000).mapToObj(i -> "m" + i % 3).toList();
        List<Piece> pieces = List.of(out("m0"), out("m1"), out("m2"));
        for (int i = 0; i < sent.size(); i++) {
            ring.add(List.of(pieces.get(i % 3)));
            Chain chain = queue.pop();
            seen.add(text(chain.readable()));
            queue.push(chain, 0);
            ring.poll();
        }
        assertThat(seen).isEqualTo(sent);
        assertThat(queue.slotsInFlight()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void buffersComeBackInAnyOrder(boolean packed) {
        open(packed, false);
        int first = ring.add(List.of(out("1"), in(1)));
        int second = ring.add(List.of(out("2")));
        Chain one = queue.pop();
        Chain two = queue.pop();
        queue.push(two, 0);
        queue.push(one, 1);
        assertThat(TestDriver.drain(ring)).containsExactly(new Used(second, 0), new Used(first, 1));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theDriverIsInterruptedUnlessItDeclines(boolean packed) {
        open(packed, false);
        assertThat(queue.interruptWanted()).isFalse();
        useOne();
        assertThat(queue.interruptWanted()).isTrue();
        assertThat(queue.interruptWanted()).isFalse();
        ring.interrupts(false);
        useOne();
        assertThat(queue.interruptWanted()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theDriverIsInterruptedWhereItAskedFor(boolean packed) {
        open(packed, true);
        for (int round = 0; round < 20; round++) {
            ring.interruptAfter(2);
            List<Boolean> wanted = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                useOne();
                wanted.add(queue.interruptWanted());
            }
            TestDriver.drain(ring);
            assertThat(wanted).as("round " + round).containsExactly(false, false, true, false);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatArrivesMeanwhileIsSeenWhenNotificationsComeOn(boolean packed) {
        open(packed, true);
        queue.suppressNotifications();
        assertThat(queue.enableNotifications()).isFalse();
        ring.add(List.of(out("x")));
        assertThat(queue.enableNotifications()).isTrue();
        assertThat(queue.hasAvailable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void positionAndHeldBufferSurviveInASavedState(boolean packed) {
        open(packed, true);
        for (int i = 0; i < 11; i++) {
            useOne();
            ring.poll();
        }
        int id = ring.add(List.of(out("held"), in(9)));
        Chain held = queue.pop();
        StateTree position = StateTree.save(queue);
        StateTree chain = StateTree.save(io -> queue.exchangeChain(io, "held", held));
        Virtqueue copy = Virtqueue.open(memory.ram, layout(packed, true));
        position.restore(copy);
        Chain[] back = new Chain[1];
        chain.restore(io -> back[0] = copy.exchangeChain(io, "held", null));
        assertThat(text(back[0].readable())).isEqualTo("held");
        copy.push(back[0], 9);
        assertThat(ring.poll()).isEqualTo(new Used(id, 9));
        assertThat(copy.slotsInFlight()).isZero();
    }

    private void useOne() {
        ring.add(List.of(new Piece(0x100, 1, false)));
        queue.push(queue.pop(), 0);
    }
}
