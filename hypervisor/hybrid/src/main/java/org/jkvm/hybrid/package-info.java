/** The hardware and the software backend behind one: assist, live switch, time in the three modes. */
package org.jkvm.hybrid;
