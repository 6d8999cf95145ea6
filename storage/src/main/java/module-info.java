/** Virtual hard disks: image formats behind {@link org.jkvm.base.backend.BlockDevice}. */
module org.jkvm.storage {
    requires transitive org.jkvm.base;
    requires org.jkvm.linux;
}
