/** The kvm-img that stays: it does short commands for others, which then need not wait for a JVM to start (ADR 28). */
package org.jkvm.app.img.resident;
