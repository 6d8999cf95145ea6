/** The virtio console with its ports. */
package org.jkvm.devices.virtio.console;
