/** The one native door: every call into libc and the Linux kernel stands in this module. */
module org.jkvm.linux {
    requires transitive org.jkvm.base;
    requires jdk.unsupported;
    exports org.jkvm.linux;
}
