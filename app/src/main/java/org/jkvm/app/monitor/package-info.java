/** The monitor: commands on a terminal or socket that look at a machine and steer it. */
package org.jkvm.app.monitor;
