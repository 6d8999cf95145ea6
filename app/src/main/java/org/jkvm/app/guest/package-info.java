/** Guests made of a distribution's packages: kernel, modules, initial RAM disk. */
package org.jkvm.app.guest;
