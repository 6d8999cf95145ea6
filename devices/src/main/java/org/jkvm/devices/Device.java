package org.jkvm.devices;

import java.util.List;
import org.jkvm.base.register.RegisterFile;
import org.jkvm.base.state.Stateful;

/**
 * A chip. It knows no port number, no interrupt number, no socket and no hypervisor: it is handed lines, a clock, guest
 * memory and back ends, and offers {@link org.jkvm.base.IoHandler register windows}; a slot puts it on a bus and a
 * machine wires it. Single-threaded: every call comes with the bus lock held, timers included; back ends call in from
 * other threads only through the bus executor they were given. Back ends are never called with the
 * lock held in a way that can wait.
 */
public interface Device extends Stateful {
    /** Its name in traces, saved states and {@code info qtree}: the chip's, in lower case. */
    String name();

    /** Back to power-on state; drives its lines to their idle level. */
    void reset();

    /** Its declared registers, one file a window, for traces and generated pages. */
    default List<RegisterFile> registerFiles() {
        return List.of();
    }
}
