/** The virtio disk. */
package org.jkvm.devices.virtio.blk;
