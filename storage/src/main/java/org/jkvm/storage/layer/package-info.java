/** What formats stand on: host files, locks, aligned buffers, and the interface of a layer of a backing chain. */
package org.jkvm.storage.layer;
