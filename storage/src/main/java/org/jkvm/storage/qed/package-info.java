/** QED, QEMU's former enhanced disk format. */
package org.jkvm.storage.qed;
