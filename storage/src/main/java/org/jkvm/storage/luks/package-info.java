/** Encryption of disks: LUKS version 1, as a format of its own and inside qcow2. */
package org.jkvm.storage.luks;
