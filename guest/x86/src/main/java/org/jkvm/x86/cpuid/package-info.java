/** What CPUID answers. */
package org.jkvm.x86.cpuid;
