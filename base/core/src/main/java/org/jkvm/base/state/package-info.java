/** State that is saved and restored by one method. */
package org.jkvm.base.state;
