/** The keyboard controller, the PS/2 keyboard and mouse behind it, and port 92h. */
package org.jkvm.devices.i8042;
