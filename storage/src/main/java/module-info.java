/** Virtual hard disks: image formats behind {@link org.jkvm.base.backend.BlockDevice}. */
module org.jkvm.storage {
    requires transitive org.jkvm.base;
    requires org.jkvm.linux;
    requires jdk.net;
    requires com.github.luben.zstd_jni;
    requires org.bouncycastle.provider;
    requires org.bouncycastle.tls;
    exports org.jkvm.storage;
    exports org.jkvm.storage.live;
    exports org.jkvm.storage.nbd;
}
