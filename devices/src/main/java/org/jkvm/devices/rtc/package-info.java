/** The MC146818 clock and its CMOS memory. */
package org.jkvm.devices.rtc;
