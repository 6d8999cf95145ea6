/** Machines: wiring only. Firmware tables, kernel loaders, the loop that runs a vCPU. */
module org.jkvm.machine {
    requires transitive org.jkvm.hypervisor;
    requires transitive org.jkvm.devices;
    requires org.jkvm.linux;
    requires org.jkvm.storage;
    exports org.jkvm.machine.acpi;
    exports org.jkvm.machine.loader;
    exports org.jkvm.machine.memory;
    exports org.jkvm.machine.pc;
    exports org.jkvm.machine.run;
}
