/** Virtual hard disks of Virtual PC and Hyper-V: VHD. */
package org.jkvm.storage.vpc;
