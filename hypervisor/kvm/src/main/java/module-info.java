/** The hardware backend: Linux's /dev/kvm. */
module org.jkvm.kvm {
    requires transitive org.jkvm.hypervisor;
    requires org.jkvm.linux;
    exports org.jkvm.kvm;
}
