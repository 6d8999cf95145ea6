/** The kvm and kvm-img commands. */
module org.jkvm.app {
    requires org.jkvm.linux;
    requires org.jkvm.machine;
    requires org.jkvm.hybrid;
    requires org.jkvm.kvm;
    requires org.jkvm.soft;
    requires org.jkvm.devices;
    requires org.jkvm.storage;
    requires org.jkvm.x86;
    requires info.picocli;
    requires org.apache.commons.compress;
    requires org.tukaani.xz;
    requires tools.jackson.databind;
    provides System.LoggerFinder with org.jkvm.app.log.Loggers;
    opens org.jkvm.app.demo to info.picocli;
    opens org.jkvm.app.doctor to info.picocli;
}
