/** PCI: configuration space, BARs, MSI-X, bus 0, the 440FX and PIIX3 functions. */
package org.jkvm.devices.pci;
