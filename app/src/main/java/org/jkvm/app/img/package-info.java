/** The subcommands of {@code kvm-img}, one class each, and what they print. */
package org.jkvm.app.img;
