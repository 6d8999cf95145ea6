/** The x86 guest architecture: state, decode tables, semantics, MMU, traps, disassembly. */
module org.jkvm.x86 {
    requires transitive org.jkvm.base;
    requires org.jkvm.linux;
    requires org.jkvm.x64;
    requires jdk.jfr;
    exports org.jkvm.x86;
    exports org.jkvm.x86.cpuid;
    exports org.jkvm.x86.disasm;
    exports org.jkvm.x86.exec;
    exports org.jkvm.x86.isa;
    exports org.jkvm.x86.mmu;
    exports org.jkvm.x86.state;
    exports org.jkvm.x86.translate;
    exports org.jkvm.x86.trap;
}
