/** The project's benchmark: real programs in a guest, under kvm, under QEMU's software engine, and on the host itself. */
package org.jkvm.bench;
