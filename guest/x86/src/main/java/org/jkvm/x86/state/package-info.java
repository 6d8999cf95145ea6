/** Layout of the processor's native struct, and bits of its registers. */
package org.jkvm.x86.state;
