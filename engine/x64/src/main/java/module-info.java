/** x86-64 host code: assembler, code cache, entry to and exit from generated code. */
module org.jkvm.x64 {
    requires transitive org.jkvm.base;
    requires org.jkvm.linux;
    exports org.jkvm.x64;
}
