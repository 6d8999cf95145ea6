/** Chips, a package each; none knows where it is plugged in. */
package org.jkvm.devices;
