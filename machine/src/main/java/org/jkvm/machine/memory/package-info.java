/** Where a PC's RAM lies, and the map of it that kernels are given. */
package org.jkvm.machine.memory;
