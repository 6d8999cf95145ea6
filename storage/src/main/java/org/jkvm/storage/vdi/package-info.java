/** VirtualBox's disk images. */
package org.jkvm.storage.vdi;
