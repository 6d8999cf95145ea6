/** Kernels from untrusted files into guest memory: Linux boot protocol, PVH, multiboot. */
package org.jkvm.machine.loader;
