/** What formats have in common whose disks are blocks of one size, found by tables: VDI, VHD, VHDX, VMDK, Parallels, QED. */
package org.jkvm.storage.blocks;
