/** Guest time and its timers. */
package org.jkvm.base.time;
