/** The 16550 UART. */
package org.jkvm.devices.serial;
