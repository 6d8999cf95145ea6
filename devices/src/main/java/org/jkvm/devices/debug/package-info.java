/** Ports for firmware and test guests to print on and to end by. */
package org.jkvm.devices.debug;
