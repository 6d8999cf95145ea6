/** {@code kvm doctor}: what this host can do for guests, and how to get more. */
package org.jkvm.app.doctor;
