/** Host code: an x86-64 assembler, the memory that code lives in, and the host CPU as an oracle for tests. */
package org.jkvm.x64;
