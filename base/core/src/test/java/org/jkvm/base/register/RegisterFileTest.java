package org.jkvm.base.register;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jkvm.base.IoHandler;
import org.jkvm.base.state.StateException;
import org.jkvm.base.state.StateTree;
import org.junit.jupiter.api.Test;

class RegisterFileTest {
    private final RegisterFile file = new RegisterFile("chip");

    @Test
    void writesChangeWritableBitsOnly() {
        Register r = file.register("R", 0, 8).reset(0xa5).writable(0x0f);
        file.write(0, 1, 0x5a);
        assertThat(r.get()).isEqualTo(0xaa);
    }

    @Test
    void onesClearWriteOneToClearBits() {
        Register r = file.register("R", 0, 16).clearedByOne(0xff00).reset(0x8100);
        file.write(0, 2, 0x0142);
        assertThat(r.get()).isEqualTo(0x8042);
    }

    @Test
    void writeToClearWorksOnBitsThatAreNotWritable() {
        Register r = file.register("R", 0, 8).readOnly().clearedByOne(0x0f).reset(0x3f);
        file.write(0, 1, 0xf3);
        assertThat(r.get()).isEqualTo(0x3c);
    }

    @Test
    void narrowWriteClearsNothingInBytesItDoesNotAddress() {
        Register r = file.register("R", 0, 16).clearedByOne(0xff00).reset(0xff00);
        file.write(0, 1, 0x12);
        assertThat(r.get()).isEqualTo(0xff12);
    }

    @Test
    void narrowAccessesReachBytesOfWideRegister() {
        Register r = file.register("R", 4, 32).reset(0x11223344);
        assertThat(file.read(6, 2)).isEqualTo(0x1122);
        file.write(5, 1, 0xee);
        assertThat(r.get()).isEqualTo(0x1122ee44);
    }

    @Test
    void wideAccessesReachFollowingRegistersInOrder() {
        List<Long> written = new ArrayList<>();
        file.register("A", 0, 8).onWrite(written::add).onRead(() -> 0x11);
        file.register("B", 1, 8).onWrite(written::add).onRead(() -> 0x22);
        file.write(0, 2, 0xbbaa);
        assertThat(written).containsExactly(0xaaL, 0xbbL);
        assertThat(file.read(0, 2)).isEqualTo(0x2211);
    }

    @Test
    void accessAcrossRegisterBoundarySplits() {
        file.register("A", 0, 16).reset(0x2211);
        file.register("B", 2, 16).reset(0x4433);
        assertThat(file.read(1, 2)).isEqualTo(0x3322);
        file.write(1, 2, 0xccbb);
        assertThat(file.read(0, 4)).isEqualTo(0x44ccbb11L);
    }

    @Test
    void sixtyFourBitRegisterKeepsItsTopBit() {
        Register r = file.register("R", 0, 64);
        file.write(0, 8, -2);
        assertThat(r.get()).isEqualTo(-2);
        assertThat(file.read(4, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void undeclaredBytesReadAsOnesAndAreCounted() {
        file.register("R", 0, 8);
        assertThat(file.read(0, 2)).isEqualTo(0xff00);
        file.write(7, 1, 1);
        assertThat(file.read(-1, 1)).isEqualTo(0xff);
        assertThat(file.unassignedAccesses()).isEqualTo(3);
    }

    @Test
    void readAndWriteSidesShareAnOffset() {
        Register in = file.register("IN", 0, 8).readSide().reset(1);
        Register out = file.register("OUT", 0, 8).writeSide();
        file.write(0, 1, 0x77);
        assertThat(file.read(0, 1)).isEqualTo(1);
        assertThat(in.get()).isEqualTo(1);
        assertThat(out.get()).isEqualTo(0x77);
    }

    @Test
    void bankSelectsBetweenRegistersAtOneOffset() {
        boolean[] second = {false};
        file.register("FIRST", 0, 8).bank("S=0", () -> !second[0]).reset(1);
        file.register("SECOND", 0, 8).bank("S=1", () -> second[0]).reset(2);
        assertThat(file.read(0, 1)).isEqualTo(1);
        second[0] = true;
        assertThat(file.read(0, 1)).isEqualTo(2);
    }

    @Test
    void windowGetsPowerOfTwoAccessesRelativeToItsStart() {
        List<String> seen = new ArrayList<>();
        file.register("R", 0, 8).reset(0x5a);
        file.window("RAM", 1, 7, "", new IoHandler() {
            @Override
            public long read(long offset, int size) {
                seen.add("r" + offset + "/" + size);
                return 0x1111_1111;
            }

            @Override
            public void write(long offset, int size, long value) {
                seen.add("w" + offset + "/" + size + "=" + Long.toHexString(value));
            }
        });
        assertThat(file.read(0, 4)).isEqualTo(0x1111115a);
        file.write(4, 4, 0xaabbccdd);
        assertThat(seen).containsExactly("r0/2", "r2/1", "w3/4=aabbccdd");
    }

    @Test
    void traceSeesNamesValuesAndFields() {
        List<String> seen = new ArrayList<>();
        file.register("LCR", 0, 8).field("WLS", 1, 0, "").bit("STB", 2, "").reset(7);
        file.trace((chip, name, write, value, text) -> seen.add(chip + " " + name + (write ? "<" : ">") + text.get()));
        file.read(0, 1);
        file.write(0, 2, 0x0103);
        assertThat(seen).containsExactly("chip LCR>7h WLS=3 STB", "chip LCR<3h WLS=3", "chip ?1h<1h");
    }

    @Test
    void whatDoesNothingIsToldOnce() {
        List<String> told = new ArrayList<>();
        file.register("R", 0, 8).unmodelled("FAST", 1, 1, "");
        file.trace(new RegisterTrace() {
            @Override
            public void access(String chip, String register, boolean write, long value, Supplier<String> text) {
            }

            @Override
            public void ignored(String chip, String what) {
                told.add(what);
            }
        });
        file.write(0, 1, 1);
        file.write(0, 1, 2);
        file.write(0, 1, 2);
        file.read(5, 1);
        file.read(5, 1);
        file.read(-1, 1);
        assertThat(told).hasSize(3).first().asString().contains("R", "FAST");
    }

    @Test
    void stateIsExchangedByName() {
        Register kept = file.register("KEPT", 0, 8);
        Register other = file.register("OTHER", 1, 8).notSaved();
        kept.set(3);
        other.set(4);
        StateTree saved = StateTree.save(file);
        assertThat(saved.values()).isEqualTo(Map.of("KEPT", 3L));
        kept.set(9);
        saved.restore(file);
        assertThat(kept.get()).isEqualTo(3);
        assertThatThrownBy(() -> StateTree.of(Map.of("KEPT", 0x100L)).restore(file)).isInstanceOf(StateException.class);
    }

    @Test
    void registerWithoutStateForgetsWhatItPassedOn() {
        List<Long> seen = new ArrayList<>();
        Register r = file.register("R", 0, 8).reset(1).notSaved().onWrite(seen::add);
        file.write(0, 1, 7);
        assertThat(seen).containsExactly(7L);
        assertThat(r.get()).isEqualTo(1);
    }

    @Test
    void describesAccess() {
        file.register("RW", 0, 8);
        file.register("RO", 1, 8).readOnly();
        file.register("WO", 2, 8).writeOnly();
        file.register("W1C", 3, 8).clearedByOne(1);
        assertThat(file.registers()).extracting(r -> r.describe().get(5)).containsExactly("RW", "RO", "WO", "RW1C");
    }

    @Test
    void refusesDeclarationsThatCannotBe() {
        file.register("R", 0, 8);
        assertThatIllegalArgumentException().isThrownBy(() -> file.register("R", 1, 8));
        assertThatIllegalArgumentException().isThrownBy(() -> file.register("S", 1, 12));
        assertThatIllegalArgumentException().isThrownBy(() -> file.register("T", 1, 8).bit("X", 8, ""));
    }
}
