/** Hardware and software together: software helps where hardware gives up, and running guests move between the two. */
module org.jkvm.hybrid {
    requires transitive org.jkvm.hypervisor;
    requires transitive org.jkvm.kvm;
    requires org.jkvm.linux;
    requires org.jkvm.soft;
    requires org.jkvm.x64;
    requires org.jkvm.x86;
    exports org.jkvm.hybrid;
}
