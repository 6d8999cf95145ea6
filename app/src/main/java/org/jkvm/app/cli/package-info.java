/** Words of a command line to options, lists of properties and sizes; the manual page from the same table. */
package org.jkvm.app.cli;
