/** Disks of a running machine: changed underneath, throttled, watched and copied while the guest uses them. */
package org.jkvm.storage.live;
