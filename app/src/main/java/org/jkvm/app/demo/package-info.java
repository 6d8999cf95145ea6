/** {@code kvm demo}: a Linux guest from nothing, interactive or checked. */
package org.jkvm.app.demo;
