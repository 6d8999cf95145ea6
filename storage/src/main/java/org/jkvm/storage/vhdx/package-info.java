/** Hyper-V's virtual hard disks, second version: VHDX. */
package org.jkvm.storage.vhdx;
