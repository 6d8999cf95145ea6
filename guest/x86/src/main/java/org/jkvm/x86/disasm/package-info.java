/** Instructions as text, in GNU's Intel syntax. */
package org.jkvm.x86.disasm;
