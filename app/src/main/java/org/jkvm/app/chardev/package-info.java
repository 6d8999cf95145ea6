/** Character back ends on the host: terminal, files, sockets, pseudo-terminals, and one shared by several front ends. */
package org.jkvm.app.chardev;
