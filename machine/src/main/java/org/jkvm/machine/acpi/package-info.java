/** Tables that firmware leaves in memory: ACPI with its AML, SMBIOS. */
package org.jkvm.machine.acpi;
