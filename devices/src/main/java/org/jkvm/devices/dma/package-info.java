/** The PC's DMA controllers and page registers, as far as software looks for them. */
package org.jkvm.devices.dma;
