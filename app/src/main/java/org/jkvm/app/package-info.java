/** The commands {@code kvm} and {@code kvm-img}: exit statuses, help, version. */
package org.jkvm.app;
