/** Virtio 1.x: the PCI transport, split and packed rings, and what all devices share. */
package org.jkvm.devices.virtio;
