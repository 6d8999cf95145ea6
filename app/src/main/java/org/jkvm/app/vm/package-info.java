/** A machine from its settings to its exit status: opens back ends, builds the PC, connects the monitor. */
package org.jkvm.app.vm;
