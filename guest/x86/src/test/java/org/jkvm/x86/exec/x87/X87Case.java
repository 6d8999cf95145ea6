package org.jkvm.x86.exec.x87;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jkvm.x86.fp.Arithmetic;
import org.jkvm.x86.fp.Float80Math;

/**
 * One x87 instruction: its bytes for the host, and what stands for it in the unit.
 *
 * @param name   mnemonic and operands
 * @param opcode first byte
 * @param modrm  second byte; below C0h its reg field, the memory operand being the test's business
 * @param flags  bits of the status word that are defined after it
 * @param action what we do
 */
record X87Case(String name, int opcode, int modrm, int flags, Action action) {
    private static final int ALL = 0xffff;
    private static final int CODES = X87State.C0 | X87State.C2 | X87State.C3;
    private static final int REST = ALL & ~CODES;

    /** Does to unit and memory what the host did. */
    interface Action {
        void run(X87Unit unit, MemorySegment memory);
    }

    boolean inMemory() {
        return modrm < 0xc0;
    }

    @Override
    public String toString() {
        return name;
    }

    static List<X87Case> all() {
        List<X87Case> cases = new ArrayList<>();
        arithmetic(cases);
        loads(cases);
        stores(cases);
        comparisons(cases);
        others(cases);
        return cases;
    }

    private static void arithmetic(List<X87Case> to) {
        Arithmetic[] operations = Arithmetic.values();
        int[] extension = {0, 1, 4, 5, 6, 7};
        for (int n = 0; n < 6; n++) {
            Arithmetic op = operations[n];
            int reg = extension[n] << 3;
            // DC and DE name the reversed form where D8 has the plain one: the operands change places, too.
            int turned = n < 2 ? reg : reg ^ 8;
            to.add(new X87Case("F" + op + " ST,ST3", 0xd8, 0xc3 + reg, REST, (u, m) -> u.arithmetic(op, 0, 3, 0, false)));
            to.add(new X87Case("F" + op + " ST2", 0xdc, 0xc2 + turned, REST, (u, m) -> u.arithmetic(op, 2, 0, 2, false)));
            to.add(new X87Case("F" + op + "P ST1", 0xde, 0xc1 + turned, REST, (u, m) -> u.arithmetic(op, 1, 0, 1, true)));
            to.add(new X87Case("F" + op + " m32", 0xd8, reg, REST, (u, m) -> u.arithmeticFloat32(op, int32(m))));
            to.add(new X87Case("F" + op + " m64", 0xdc, reg, REST, (u, m) -> u.arithmeticFloat64(op, int64(m))));
            to.add(new X87Case("FI" + op + " m32", 0xda, reg, REST, (u, m) -> u.arithmeticInteger(op, int32(m))));
            to.add(new X87Case("FI" + op + " m16", 0xde, reg, REST, (u, m) -> u.arithmeticInteger(op, int16(m))));
        }
    }

    private static void loads(List<X87Case> to) {
        to.add(new X87Case("FLD m32", 0xd9, 0, REST, (u, m) -> u.loadFloat32(int32(m))));
        to.add(new X87Case("FLD m64", 0xdd, 0, REST, (u, m) -> u.loadFloat64(int64(m))));
        to.add(new X87Case("FLD m80", 0xdb, 5 << 3, REST, (u, m) -> u.loadFloat80(high16(m), int64(m))));
        to.add(new X87Case("FILD m16", 0xdf, 0, REST, (u, m) -> u.loadInteger(int16(m))));
        to.add(new X87Case("FILD m32", 0xdb, 0, REST, (u, m) -> u.loadInteger(int32(m))));
        to.add(new X87Case("FILD m64", 0xdf, 5 << 3, REST, (u, m) -> u.loadInteger(int64(m))));
        to.add(new X87Case("FLD ST5", 0xd9, 0xc5, REST, (u, m) -> u.loadRegister(5)));
        for (int n = 0; n < 7; n++) {
            int which = n;
            to.add(new X87Case("FLD constant " + n, 0xd9, 0xe8 + n, REST, (u, m) -> u.loadConstant(which)));
        }
    }

    private static void stores(List<X87Case> to) {
        for (int pop = 0; pop < 2; pop++) {
            boolean pops = pop == 1;
            int reg = 2 + pop << 3;
            to.add(store("FST" + pop + " m32", 0xd9, reg, 4, X87Unit::convertToFloat32, pops));
            to.add(store("FST" + pop + " m64", 0xdd, reg, 8, X87Unit::convertToFloat64, pops));
            to.add(integerStore("FIST" + pop + " m16", 0xdf, reg, 2, false, pops));
            to.add(integerStore("FIST" + pop + " m32", 0xdb, reg, 4, false, pops));
            to.add(new X87Case("FST" + pop + " ST4", 0xdd, 0xd4 + 8 * pop, REST, (u, m) -> u.storeRegister(4, pops)));
        }
        to.add(integerStore("FISTP m64", 0xdf, 7 << 3, 8, false, true));
        to.add(integerStore("FISTTP m16", 0xdf, 1 << 3, 2, true, true));
        to.add(integerStore("FISTTP m32", 0xdb, 1 << 3, 4, true, true));
        to.add(integerStore("FISTTP m64", 0xdd, 1 << 3, 8, true, true));
        to.add(store("FSTP m80", 0xdb, 7 << 3, 10, X87Unit::convertToFloat80, true));
        to.add(store("FBSTP", 0xdf, 6 << 3, 10, X87Unit::convertToDecimal, true));
    }

    private static X87Case store(String name, int opcode, int reg, int size, Predicate<X87Unit> convert, boolean pops) {
        return new X87Case(name, opcode, reg, REST, (u, m) -> put(u, m, size, convert.test(u), pops));
    }

    private static X87Case integerStore(String name, int opcode, int reg, int size, boolean truncate, boolean pops) {
        return store(name, opcode, reg, size, u -> u.convertToInteger(8 * size, truncate), pops);
    }

    private static void comparisons(List<X87Case> to) {
        to.add(new X87Case("FCOM ST3", 0xd8, 0xd3, ALL, (u, m) -> u.compare(3, true, 0)));
        to.add(new X87Case("FCOMP ST3", 0xd8, 0xdb, ALL, (u, m) -> u.compare(3, true, 1)));
        to.add(new X87Case("FCOMPP", 0xde, 0xd9, ALL, (u, m) -> u.compare(1, true, 2)));
        to.add(new X87Case("FUCOM ST2", 0xdd, 0xe2, ALL, (u, m) -> u.compare(2, false, 0)));
        to.add(new X87Case("FUCOMP ST2", 0xdd, 0xea, ALL, (u, m) -> u.compare(2, false, 1)));
        to.add(new X87Case("FUCOMPP", 0xda, 0xe9, ALL, (u, m) -> u.compare(1, false, 2)));
        for (int pop = 0; pop < 2; pop++) {
            boolean pops = pop == 1;
            int reg = 2 + pop << 3;
            to.add(new X87Case("FCOM" + pop + " m32", 0xd8, reg, ALL, (u, m) -> u.compareFloat32(int32(m), pops)));
            to.add(new X87Case("FCOM" + pop + " m64", 0xdc, reg, ALL, (u, m) -> u.compareFloat64(int64(m), pops)));
            to.add(new X87Case("FICOM" + pop + " m16", 0xde, reg, ALL, (u, m) -> u.compareInteger(int16(m), pops)));
            to.add(new X87Case("FICOM" + pop + " m32", 0xda, reg, ALL, (u, m) -> u.compareInteger(int32(m), pops)));
        }
        to.add(new X87Case("FTST", 0xd9, 0xe4, ALL, (u, m) -> u.compareInteger(0, false)));
        to.add(new X87Case("FXAM", 0xd9, 0xe5, ALL, (u, m) -> u.examine()));
    }

    private static void others(List<X87Case> to) {
        to.add(new X87Case("FCHS", 0xd9, 0xe0, REST, (u, m) -> u.changeSign()));
        to.add(new X87Case("FABS", 0xd9, 0xe1, REST, (u, m) -> u.absolute()));
        to.add(new X87Case("FXCH ST6", 0xd9, 0xce, REST, (u, m) -> u.exchange(6)));
        to.add(new X87Case("FSQRT", 0xd9, 0xfa, REST, (u, m) -> u.unary(Float80Math::squareRoot)));
        to.add(new X87Case("FRNDINT", 0xd9, 0xfc, REST, (u, m) -> u.unary(Float80Math::roundToIntegral)));
        to.add(new X87Case("FSCALE", 0xd9, 0xfd, REST, (u, m) -> u.binary(Float80Math::scale, 0, false)));
        to.add(new X87Case("FXTRACT", 0xd9, 0xf4, REST, (u, m) -> u.extract()));
        to.add(new X87Case("FPREM", 0xd9, 0xf8, REST, (u, m) -> u.remainder(false)));
        to.add(new X87Case("FPREM1", 0xd9, 0xf5, REST, (u, m) -> u.remainder(true)));
        to.add(new X87Case("FINCSTP", 0xd9, 0xf7, REST, (u, m) -> u.rotate(1)));
        to.add(new X87Case("FDECSTP", 0xd9, 0xf6, REST, (u, m) -> u.rotate(-1)));
        to.add(new X87Case("FFREE ST3", 0xdd, 0xc3, REST & ~X87State.C1, (u, m) -> u.free(3, false)));
        to.add(new X87Case("FFREEP ST3", 0xdf, 0xc3, REST & ~X87State.C1, (u, m) -> u.free(3, true)));
        to.add(new X87Case("FCMOVNB ST3 (CF clear)", 0xdb, 0xc3, REST, (u, m) -> u.moveIf(true, 3)));
        to.add(new X87Case("FCMOVB ST3 (CF clear)", 0xda, 0xc3, REST, (u, m) -> u.moveIf(false, 3)));
        to.add(new X87Case("FNCLEX", 0xdb, 0xe2, REST & ~X87State.C1, (u, m) -> u.clearExceptions()));
    }

    private static void put(X87Unit unit, MemorySegment memory, int size, boolean write, boolean pop) {
        if (write) {
            for (int n = 0; n < size; n++) {
                long part = n < 8 ? unit.image().significand() >>> 8 * n : unit.image().signExponent() >>> 8 * (n - 8);
                memory.set(JAVA_BYTE, n, (byte) part);
            }
        }
        unit.completeStore(pop);
    }

    private static int int16(MemorySegment memory) {
        return memory.get(JAVA_SHORT_UNALIGNED, 0);
    }

    private static int high16(MemorySegment memory) {
        return memory.get(JAVA_SHORT_UNALIGNED, 8);
    }

    private static int int32(MemorySegment memory) {
        return memory.get(JAVA_INT_UNALIGNED, 0);
    }

    private static long int64(MemorySegment memory) {
        return memory.get(JAVA_LONG_UNALIGNED, 0);
    }
}
