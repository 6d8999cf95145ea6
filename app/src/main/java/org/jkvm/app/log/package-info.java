/** What {@code -d} asks for: one line an event, to standard error or a file. */
package org.jkvm.app.log;
