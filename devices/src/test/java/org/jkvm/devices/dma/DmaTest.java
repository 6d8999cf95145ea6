package org.jkvm.devices.dma;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DmaTest {
    private final I8237 dma = new I8237(1);

    private int in(int offset) {
        return (int) dma.window().read(offset, 1);
    }

    private void out(int offset, int value) {
        dma.window().write(offset, 1, value);
    }

    @Test
    void addressAndCountGoByHalves() {
        out(0x0c, 0);
        out(2, 0x34);
        out(2, 0x12);
        out(3, 0xff);
        out(3, 0x0f);
        assertThat(in(2)).isEqualTo(0x34);
        assertThat(in(2)).isEqualTo(0x12);
        assertThat(in(3)).isEqualTo(0xff);
        out(0x0c, 0);
        assertThat(in(3)).isEqualTo(0xff);
        assertThat(in(3)).isEqualTo(0x0f);
    }

    @Test
    void masksOneOrAllChannels() {
        out(0x0d, 0);
        assertThat(in(0x0f)).isEqualTo(0xff);
        out(0x0a, 2);
        assertThat(in(0x0f)).isEqualTo(0xfb);
        out(0x0e, 0);
        out(0x0a, 5);
        assertThat(in(0x0f)).isEqualTo(0xf2);
        out(0x0f, 0x0c);
        assertThat(in(0x0f)).isEqualTo(0xfc);
    }

    @Test
    void requestsStayPendingUntilMasterClear() {
        out(9, 6);
        assertThat(in(8)).isEqualTo(0x40);
        out(9, 2);
        assertThat(in(8)).isZero();
        out(9, 7);
        out(0x0d, 0);
        assertThat(in(8)).isZero();
    }

    @Test
    void secondControllerHasEvenPorts() {
        I8237 second = new I8237(2);
        second.window().write(0x14, 1, 1);
        assertThat(second.window().read(0x1e, 1)).isEqualTo(0xfd);
    }

    @Test
    void pagesKeepBytes() {
        DmaPages pages = new DmaPages();
        pages.window().write(0x0f, 1, 0x77);
        pages.window().write(0, 1, 0x12);
        assertThat(pages.window().read(0x0f, 1)).isEqualTo(0x77);
        assertThat(pages.window().read(0, 1)).isEqualTo(0x12);
    }
}
