/** What everybody shares: bits, lines, windows, guest memory, errors for the user and from the host. */
package org.jkvm.base;
