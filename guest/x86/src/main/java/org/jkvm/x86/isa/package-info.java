/** The opcode tables, declared by the SDM's maps, and the decoder that reads by them. */
package org.jkvm.x86.isa;
