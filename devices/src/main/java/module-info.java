/** The chips: one package a family. No device knows a hypervisor, an engine, a guest architecture or a socket. */
module org.jkvm.devices {
    requires transitive org.jkvm.base;
    exports org.jkvm.devices;
    exports org.jkvm.devices.acpi;
    exports org.jkvm.devices.bus;
    exports org.jkvm.devices.debug;
    exports org.jkvm.devices.dma;
    exports org.jkvm.devices.fwcfg;
    exports org.jkvm.devices.i8042;
    exports org.jkvm.devices.pci;
    exports org.jkvm.devices.rtc;
    exports org.jkvm.devices.serial;
    exports org.jkvm.devices.virtio;
    exports org.jkvm.devices.virtio.balloon;
    exports org.jkvm.devices.virtio.blk;
    exports org.jkvm.devices.virtio.console;
    exports org.jkvm.devices.virtio.rng;
}
