/** QEMU's firmware configuration device. */
package org.jkvm.devices.fwcfg;
