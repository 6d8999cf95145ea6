/**
 * The translator: guest blocks re-encoded for the x86-64 host. {@link org.jkvm.x86.translate.BlockTranslator} writes one block's
 * code, {@link org.jkvm.x86.translate.NativeCode} keeps, links, enters and drops it. What is not translated is left to the
 * interpreter, an instruction at a time.
 */
package org.jkvm.x86.translate;
