/** Parallels' disk images, and Virtuozzo's. */
package org.jkvm.storage.parallels;
