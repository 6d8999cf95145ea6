/** The contract between user mode and every backend: run, exit, answer. */
package org.jkvm.hypervisor;
