/** What instructions do, and the loop that has them do it. */
package org.jkvm.x86.exec;
