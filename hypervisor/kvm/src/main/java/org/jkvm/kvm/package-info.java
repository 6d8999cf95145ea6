/** The hardware backend: the contract on Linux's /dev/kvm (Documentation/virt/kvm/api.rst). */
package org.jkvm.kvm;
