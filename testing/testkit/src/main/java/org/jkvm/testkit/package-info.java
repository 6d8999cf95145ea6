/** Fakes and contracts for tests; needs no test framework. */
package org.jkvm.testkit;
