/** Exceptions, interrupts, task switches, far transfers, segments, debug registers. */
package org.jkvm.x86.trap;
