/**
 * The x87 unit: register stack and status in native memory ({@link org.jkvm.x86.exec.x87.X87State}), the instructions'
 * effects on them ({@link org.jkvm.x86.exec.x87.X87Unit}), and the images that save and restore them.
 */
package org.jkvm.x86.exec.x87;
