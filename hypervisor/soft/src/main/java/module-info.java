/** The software backend: vCPU loop, memory slots, interrupt chip in Java. */
module org.jkvm.soft {
    requires transitive org.jkvm.hypervisor;
    requires org.jkvm.linux;
    requires org.jkvm.x64;
    requires org.jkvm.x86;
    exports org.jkvm.soft;
    exports org.jkvm.soft.chip;
}
