/** The x86 guest architecture: state, decode tables, semantics, MMU, traps, disassembly. */
module org.jkvm.x86 {
    requires transitive org.jkvm.base;
    requires org.jkvm.linux;
    requires org.jkvm.x64;
}
