/** VMware's virtual disks. */
package org.jkvm.storage.vmdk;
