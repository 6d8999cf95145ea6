/** A machine's life: states, requests, vCPU threads, the bus and its lock. */
package org.jkvm.machine.run;
