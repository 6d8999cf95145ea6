/** The native door: every call into libc, one class an area; memory by address for the engine. */
package org.jkvm.linux;
