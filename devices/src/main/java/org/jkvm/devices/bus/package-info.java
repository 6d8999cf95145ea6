/** Address spaces and shared lines. */
package org.jkvm.devices.bus;
