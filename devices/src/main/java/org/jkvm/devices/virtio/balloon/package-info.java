/** The virtio memory balloon. */
package org.jkvm.devices.virtio.balloon;
