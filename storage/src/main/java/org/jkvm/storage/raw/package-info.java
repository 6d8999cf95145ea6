/** Images without a format: the file is the disk. */
package org.jkvm.storage.raw;
