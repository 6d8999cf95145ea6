/** The contract's x86 part: vCPU state in the one format of all backends, CPU models, features. */
package org.jkvm.hypervisor.x86;
