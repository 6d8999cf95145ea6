/** The PC: its parts, their places, and what firmware would have set up. */
package org.jkvm.machine.pc;
