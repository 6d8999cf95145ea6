package org.jkvm.machine.pc;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jkvm.base.UserException;
import org.jkvm.base.backend.CharacterBackend;
import org.jkvm.devices.pci.PciBus;
import org.jkvm.hypervisor.x86.CpuModel;
import org.jkvm.machine.loader.DirectBoot;
import org.jkvm.machine.run.LifePolicy;

/**
 * What a PC is made of. The machine takes over the boot files and the disks of its cards and closes them; character back
 * ends stay the caller's.
 *
 * @param name    the machine's name ({@code -name})
 * @param memory  its RAM
 * @param vcpus   processors, 1 to 255
 * @param cpu     what CPUID says
 * @param boot    kernel, initrd and command line
 * @param serial  what hangs on COM1 to COM4, at most four; {@code null} where the port is missing
 * @param cards   PCI cards
 * @param debug   test and debug devices
 * @param rtc     the time of day that the real-time clock starts from and follows
 * @param policy  what happens at a reset, a shutdown, a bug
 */
public record PcConfig(String name, GuestRam memory, int vcpus, CpuModel cpu, DirectBoot boot, List<CharacterBackend> serial,
                       List<PciCard> cards, List<DebugDevice> debug, InstantSource rtc, LifePolicy policy) {
    private static final int MOST_VCPUS = 255;
    private static final int MOST_SERIAL = 4;
    /** The first slot for cards: the chip set is in those before it. */
    static final int FIRST_CARD_SLOT = 2;

    /**
     * Checks the ranges.
     *
     * @throws UserException naming the option at fault
     */
    public PcConfig {
        serial = Collections.unmodifiableList(new ArrayList<>(serial));
        cards = List.copyOf(cards);
        debug = List.copyOf(debug);
        if (vcpus < 1 || vcpus > MOST_VCPUS) {
            throw new UserException("-smp " + vcpus + ": 1 to " + MOST_VCPUS + " processors");
        }
        if (serial.size() > MOST_SERIAL) {
            throw new UserException("-serial: a PC has at most " + MOST_SERIAL + " serial ports");
        }
        checkCards(cards);
    }

    private static void checkCards(List<PciCard> cards) {
        Set<String> ids = new HashSet<>();
        Set<Integer> slots = new HashSet<>();
        for (PciCard card : cards) {
            if (!ids.add(card.id())) {
                throw new UserException("-device: two devices have the id " + card.id());
            }
            if (card.slot() == PciCard.ANY_SLOT) {
                continue;
            }
            if (card.slot() < FIRST_CARD_SLOT || card.slot() >= PciBus.DEVICES || !slots.add(card.slot())) {
                throw new UserException("-device " + card.id() + ": PCI slot " + card.slot() + " is taken or not one of "
                        + FIRST_CARD_SLOT + " to " + (PciBus.DEVICES - 1));
            }
        }
        if (cards.size() > PciBus.DEVICES - FIRST_CARD_SLOT) {
            throw new UserException("-device: a PC has " + (PciBus.DEVICES - FIRST_CARD_SLOT) + " slots for cards, and "
                    + cards.size() + " were given");
        }
    }
}
