/** The qcow2 format (docs/formats.md): mapping, reference counts, and the order in which they reach the file. */
package org.jkvm.storage.qcow2;
