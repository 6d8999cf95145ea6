/** One x86 processor and what it is plugged into. */
package org.jkvm.x86;
