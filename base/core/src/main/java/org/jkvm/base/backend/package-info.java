/** What devices need from the host, as interfaces: disks, characters, randomness. */
package org.jkvm.base.backend;
