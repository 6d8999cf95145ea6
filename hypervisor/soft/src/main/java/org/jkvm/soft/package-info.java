/** The software backend: kernel mode in Java around the interpreter's guest mode. */
package org.jkvm.soft;
