/** The PIIX4's power management registers. */
package org.jkvm.devices.acpi;
