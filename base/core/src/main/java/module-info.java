/** Bits, ranges, clock, errors, state exchange, register declarations: what every part of jkvm stands on. */
module org.jkvm.base {
    exports org.jkvm.base;
    exports org.jkvm.base.backend;
    exports org.jkvm.base.register;
    exports org.jkvm.base.state;
    exports org.jkvm.base.time;
}
