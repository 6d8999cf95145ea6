/** Disk images: opened, created, examined, and offered to devices as block devices. */
package org.jkvm.storage;
