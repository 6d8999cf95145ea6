/** Linear to physical to host addresses: soft TLBs and page walks. */
package org.jkvm.x86.mmu;
