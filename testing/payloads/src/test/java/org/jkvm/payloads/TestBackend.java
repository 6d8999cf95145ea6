package org.jkvm.payloads;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jkvm.hybrid.Engine;
import org.jkvm.hybrid.HybridHypervisor;
import org.jkvm.hypervisor.Hypervisor;
import org.jkvm.hypervisor.x86.CpuModels;
import org.jkvm.kvm.KvmHypervisor;
import org.jkvm.soft.SoftCpus;
import org.jkvm.soft.SoftHypervisor;
import org.jkvm.soft.SoftOptions;
import org.jkvm.x64.CodeCache;

/** The backends that one test body runs on. */
enum TestBackend {
    /** The software engine's interpreter. */
    INTERPRETER {
        @Override
        void assumePresent() {
            // It is everywhere.
        }

        @Override
        Hypervisor hypervisor() {
            return new SoftHypervisor(SoftOptions.DEFAULT.withTranslate(false));
        }

        @Override
        CpuModels models() {
            return SoftCpus.models();
        }
    },
    /** The software engine's translator, of every block at once, with the least room for code. */
    TRANSLATOR {
        @Override
        void assumePresent() {
            assumeTrue(CodeCache.isHostSupported(), "the host is not x86-64");
        }

        @Override
        Hypervisor hypervisor() {
            return new SoftHypervisor(TRANSLATED);
        }

        @Override
        CpuModels models() {
            return SoftCpus.models();
        }
    },
    /** The same with the interpreter in lock-step. */
    LOCK_STEP {
        @Override
        void assumePresent() {
            TRANSLATOR.assumePresent();
        }

        @Override
        Hypervisor hypervisor() {
            return new SoftHypervisor(TRANSLATED.withCheck(true));
        }

        @Override
        CpuModels models() {
            return SoftCpus.models();
        }
    },
    /** Linux's KVM. */
    KVM {
        @Override
        void assumePresent() {
            Path device = Path.of("/dev/kvm");
            assumeTrue(Files.isReadable(device) && Files.isWritable(device), "this host has no /dev/kvm that can be opened");
        }

        @Override
        Hypervisor hypervisor() {
            return new KvmHypervisor();
        }

        @Override
        CpuModels models() {
            return SoftCpus.models().limitedTo(new KvmHypervisor().features());
        }
    },
    /** Linux's KVM with the software engine's help. */
    ASSISTED {
        @Override
        void assumePresent() {
            KVM.assumePresent();
        }

        @Override
        Hypervisor hypervisor() {
            return new HybridHypervisor(Engine.KVM, SoftOptions.DEFAULT, Optional.of(new KvmHypervisor()), "");
        }

        @Override
        CpuModels models() {
            return KVM.models();
        }
    },
    /** The same with only the local APICs in the kernel. */
    ASSISTED_SPLIT {
        @Override
        void assumePresent() {
            KVM.assumePresent();
        }

        @Override
        Hypervisor hypervisor() {
            return new HybridHypervisor(Engine.KVM, SoftOptions.DEFAULT, Optional.of(new KvmHypervisor()), "").withSplitChip();
        }

        @Override
        CpuModels models() {
            return KVM.models();
        }
    };

    private static final SoftOptions TRANSLATED = SoftOptions.DEFAULT.withThreshold(0).withCacheBytes(SoftOptions.LEAST_CACHE);

    /** Skips the test where this host lacks the backend. */
    abstract void assumePresent();

    abstract Hypervisor hypervisor();

    /** The processors of guests that may run here. */
    abstract CpuModels models();
}
