/** The interrupt controllers and the timer that belong to a backend: PIC, I/O APIC, local APIC, PIT. */
package org.jkvm.soft.chip;
