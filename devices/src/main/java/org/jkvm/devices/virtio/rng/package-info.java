/** The virtio source of random numbers. */
package org.jkvm.devices.virtio.rng;
