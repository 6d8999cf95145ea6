package org.jkvm.arch;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.util.Arrays;

/** The walls between the parts (design, section 1), as the compiled classes show them. */
@AnalyzeClasses(packages = "org.jkvm", importOptions = ImportOption.DoNotIncludeTests.class)
class WallsTest {
    private static final String BASE = "org.jkvm.base..";
    private static final String LINUX = "org.jkvm.linux..";
    private static final String ENGINE = "org.jkvm.x64..";

    @ArchTest
    static final ArchRule BASE_KNOWS_NOBODY = knowsOnly(BASE, BASE);
    @ArchTest
    static final ArchRule LINUX_KNOWS_BASE = knowsOnly(LINUX, LINUX, BASE);
    @ArchTest
    static final ArchRule DEVICES_KNOW_BASE = knowsOnly("org.jkvm.devices..", "org.jkvm.devices..", BASE);
    @ArchTest
    static final ArchRule STORAGE_KNOWS_BASE = knowsOnly("org.jkvm.storage..", "org.jkvm.storage..", BASE, LINUX);
    @ArchTest
    static final ArchRule THE_CONTRACT_KNOWS_BASE = knowsOnly("org.jkvm.hypervisor..", "org.jkvm.hypervisor..", BASE);
    @ArchTest
    static final ArchRule THE_ENGINE_KNOWS_BASE = knowsOnly(ENGINE, ENGINE, BASE, LINUX);
    @ArchTest
    static final ArchRule GUESTS_KNOW_THE_ENGINE = knowsOnly("org.jkvm.x86..", "org.jkvm.x86..", ENGINE, BASE, LINUX);
    @ArchTest
    static final ArchRule THE_SOFTWARE_BACKEND_KNOWS_NO_DEVICE = knowsOnly("org.jkvm.soft..", "org.jkvm.soft..",
            "org.jkvm.hypervisor..", "org.jkvm.x86..", ENGINE, BASE, LINUX);
    @ArchTest
    static final ArchRule THE_HARDWARE_BACKEND_KNOWS_NO_GUEST = knowsOnly("org.jkvm.kvm..", "org.jkvm.kvm..",
            "org.jkvm.hypervisor..", BASE, LINUX);
    @ArchTest
    static final ArchRule BOTH_BACKENDS_MEET_IN_ONE_PLACE = knowsOnly("org.jkvm.hybrid..", "org.jkvm.hybrid..",
            "org.jkvm.kvm..", "org.jkvm.soft..", "org.jkvm.hypervisor..", "org.jkvm.x86..", ENGINE, BASE, LINUX);
    @ArchTest
    static final ArchRule MACHINES_KNOW_NO_BACKEND = knowsOnly("org.jkvm.machine..", "org.jkvm.machine..",
            "org.jkvm.hypervisor..", "org.jkvm.devices..", "org.jkvm.storage..", BASE, LINUX);

    @ArchTest
    static final ArchRule NATIVE_CALLS_STAND_BEHIND_ONE_DOOR = noClasses().that().resideOutsideOfPackages(LINUX, ENGINE)
            .should().dependOnClassesThat(DescribedPredicate.describe("link native code",
                    (JavaClass c) -> c.isEquivalentTo(Linker.class) || c.isEquivalentTo(SymbolLookup.class)))
            .because("base/linux is the native door (design, section 5)");

    @ArchTest
    static final ArchRule NOTHING_STATIC_CHANGES = fields().that().areStatic().and().areNotPrivate()
            .and().doNotHaveName("$assertionsDisabled").should().beFinal()
            .because("two machines in one JVM must not meet (design, section 9)");

    @ArchTest
    static final ArchRule NOTHING_PRIVATE_AND_STATIC_CHANGES = fields().that().areStatic().and().arePrivate()
            .should().beFinal();

    private static ArchRule knowsOnly(String who, String... known) {
        String[] ours = Arrays.copyOf(known, known.length);
        return noClasses().that().resideInAPackage(who).should()
                .dependOnClassesThat(JavaClass.Predicates.resideInAPackage("org.jkvm..")
                        .and(DescribedPredicate.not(JavaClass.Predicates.resideInAnyPackage(ours))))
                .as(who + " knows only " + String.join(", ", known));
    }
}
