package org.jkvm.hypervisor.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import org.jkvm.base.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What CPUID says of the models; the values are those that a guest reads under QEMU 7.2 for the same model. */
class CpuModelsTest {
    @Test
    void aHostThatLacksWhatAModelHasIsNamed() {
        CpuModels models = new CpuModels(EnumSet.allOf(CpuFeature.class), List.of())
                .limitedTo(EnumSet.complementOf(EnumSet.of(CpuFeature.AVX2, CpuFeature.FMA)));
        assertThat(models.lacking("Haswell")).containsExactlyInAnyOrder(CpuFeature.AVX2, CpuFeature.FMA);
        assertThat(models.lacking("Haswell,-fma,avx2=off")).isEmpty();
        assertThat(models.lacking("qemu64")).isEmpty();
        assertThatThrownBy(() -> models.parse("qemu64,+avx2", 1, 1)).isInstanceOf(UserException.class)
                .hasMessage("-cpu qemu64,+avx2: this host's KVM lacks 'avx2'");
    }

    private final CpuModels all = new CpuModels(EnumSet.allOf(CpuFeature.class), List.of());

    @Test
    void qemu64IsQemus() {
        CpuModel model = all.parse("qemu64", 1, 1);
        assertThat(leaf(model, 1, -1)).isEqualTo(new CpuModel.Leaf(1, -1, 0x60fb1, 0x10800, 0x80002001, 0x78bfbfd));
        assertThat(leaf(model, 0x80000001, -1).edx()).isEqualTo(0x2193fbfd);
        CpuModel.Leaf vendor = leaf(model, 0, -1);
        assertThat(text(vendor.ebx(), vendor.edx(), vendor.ecx())).isEqualTo("AuthenticAMD");
        CpuModel.Leaf brand = leaf(model, 0x80000002, -1);
        assertThat(text(brand.eax(), brand.ebx(), brand.ecx(), brand.edx())).isEqualTo("QEMU Virtual CPU");
    }

    @Test
    void featuresAreSwitched() {
        CpuModel model = all.parse("qemu64,+sse4.2,-cx16,popcnt=on,pge=off", 1, 1);
        assertThat(leaf(model, 1, -1).ecx()).isEqualTo(0x80002001 & ~(1 << 13) | 1 << 20 | 1 << 23);
        assertThat(leaf(model, 1, -1).edx()).isEqualTo(0x78bfbfd & ~(1 << 13));
    }

    @Test
    void haswellIsQemus() {
        CpuModel model = all.parse("Haswell-noTSX", 1, 1);
        assertThat(leaf(model, 1, -1).eax()).isEqualTo(0x306c1);
        assertThat(leaf(model, 1, -1).ecx()).isEqualTo(0xf7fa3203);
        assertThat(leaf(model, 7, 0).ebx()).isEqualTo(0x7a9 & ~(1 << 4 | 1 << 6 | 1 << 11));
    }

    @Test
    void avxStateIsInLeafD() {
        CpuModel v3 = all.parse("x86-64-v3", 1, 1);
        assertThat(leaf(v3, 0xd, 0)).isEqualTo(new CpuModel.Leaf(0xd, 0, 7, 576, 832, 0));
        assertThat(leaf(v3, 0xd, 2)).isEqualTo(new CpuModel.Leaf(0xd, 2, 256, 576, 0, 0));
        CpuModel without = all.parse("x86-64-v3,-avx", 1, 1);
        assertThat(leaf(without, 0xd, 0)).isEqualTo(new CpuModel.Leaf(0xd, 0, 3, 576, 576, 0));
    }

    @Test
    void nothingIsClaimedThatTheBackendLacks() {
        CpuModels few = new CpuModels(EnumSet.of(CpuFeature.FPU, CpuFeature.TSC), List.of());
        CpuModel model = few.parse("max", 1, 1);
        assertThat(leaf(model, 1, -1).edx()).isEqualTo(0x11);
        assertThat(leaf(model, 1, -1).ecx()).isZero();
        assertThat(leaf(model, 7, 0).ebx()).isZero();
        assertThat(model.leaves()).noneMatch(l -> l.function() == 0xd);
    }

    @Test
    void theTopologyShows() {
        CpuModel model = all.parse("max", 2, 2);
        assertThat(leaf(model, 1, -1).ebx()).isEqualTo(0x40800);
        assertThat(leaf(model, 1, -1).edx() >>> 28 & 1).isEqualTo(1);
        assertThat(leaf(model, 0xb, 0)).isEqualTo(new CpuModel.Leaf(0xb, 0, 1, 2, 0x100, 0));
        assertThat(leaf(model, 0xb, 1)).isEqualTo(new CpuModel.Leaf(0xb, 1, 2, 4, 0x201, 0));
    }

    @Test
    void theBackendsLeavesAreThere() {
        CpuModel.Leaf own = new CpuModel.Leaf(0x40000000, -1, 1, 2, 3, 4);
        assertThat(new CpuModels(EnumSet.of(CpuFeature.FPU), List.of(own)).parse("max", 1, 1).leaves()).contains(own);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "foo          | -cpu foo: unable to find CPU model 'foo'; there are ",
        "max,+foo     | -cpu max,+foo: there is no CPU feature 'foo'",
        "max,+avx     | -cpu max,+avx: the CPU feature 'avx' is not implemented",
    })
    void refusesInOneLine(String text, String message) {
        EnumSet<CpuFeature> supported = EnumSet.complementOf(EnumSet.of(CpuFeature.AVX));
        assertThatThrownBy(() -> new CpuModels(supported, List.of()).parse(text, 1, 1)).isInstanceOf(UserException.class)
                .hasMessageStartingWith(message);
    }

    private static CpuModel.Leaf leaf(CpuModel model, int function, int subleaf) {
        return model.leaves().stream().filter(l -> l.function() == function && l.subleaf() == subleaf).findFirst()
                .orElseThrow();
    }

    private static String text(int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(words);
        return new String(bytes.array(), StandardCharsets.US_ASCII);
    }
}
