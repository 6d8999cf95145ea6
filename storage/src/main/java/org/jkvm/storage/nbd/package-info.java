/** Disks over the network: the NBD protocol's server and client (nbd/doc/proto.md of the NBD project). */
package org.jkvm.storage.nbd;
