/** What the user asked for, checked and complete, before anything is opened or made. */
package org.jkvm.app.settings;
