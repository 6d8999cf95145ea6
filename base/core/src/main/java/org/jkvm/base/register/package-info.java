/** Registers of chips, declared once. */
package org.jkvm.base.register;
