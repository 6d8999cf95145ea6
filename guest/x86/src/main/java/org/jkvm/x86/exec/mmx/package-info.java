/** The MMX instructions, which share their functions on 64 bits with the XMM forms in {@link org.jkvm.x86.exec.sse}. */
package org.jkvm.x86.exec.mmx;
