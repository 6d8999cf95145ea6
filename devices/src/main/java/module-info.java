/** The chips: one package a family. No device knows a hypervisor, an engine, a guest architecture or a socket. */
module org.jkvm.devices {
    requires transitive org.jkvm.base;
    exports org.jkvm.devices;
    exports org.jkvm.devices.bus;
    exports org.jkvm.devices.pci;
    exports org.jkvm.devices.virtio;
    exports org.jkvm.devices.virtio.blk;
}
