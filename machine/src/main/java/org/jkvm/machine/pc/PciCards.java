package org.jkvm.machine.pc;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jkvm.base.UserException;
import org.jkvm.base.time.Clock;
import org.jkvm.devices.pci.PciBus;
import org.jkvm.devices.virtio.VirtioDevice;
import org.jkvm.devices.virtio.VirtioOptions;
import org.jkvm.devices.virtio.VirtioPci;
import org.jkvm.devices.virtio.balloon.GuestRamPages;
import org.jkvm.devices.virtio.balloon.VirtioBalloon;
import org.jkvm.devices.virtio.blk.VirtioBlk;
import org.jkvm.devices.virtio.console.VirtioConsole;
import org.jkvm.devices.virtio.rng.VirtioRng;

/** Makes a machine's PCI cards, plugs them in, and knows which are which. The bus lock is held after construction. */
public final class PciCards {
    private final Services services;
    private final Parts parts;
    private final Map<String, VirtioBlk> disks = new LinkedHashMap<>();
    private final Map<Integer, PciCard> slots = new TreeMap<>();
    private VirtioBalloon balloon;

    /**
     * What a machine offers to cards.
     *
     * @param board      memory, messages, the bus lock
     * @param clock      guest time
     * @param pages      takes RAM that a balloon gives back
     * @param diskFailed told, with the bus lock held, why a disk's error policy stops the machine
     */
    record Services(VirtioPci.Board board, Clock clock, GuestRamPages pages, Consumer<String> diskFailed) {
    }

    /** No cards yet. */
    PciCards(Services services, Parts parts) {
        this.services = services;
        this.parts = parts;
    }

    /**
     * Plugs {@code card} into a running machine; returns its slot. The bus lock is held.
     *
     * @throws UserException where its id or slot is taken, or there is no free slot
     */
    int hotplug(PciBus pci, PciCard card) {
        if (slots.values().stream().anyMatch(c -> c.id().equals(card.id()))) {
            throw new UserException("there is a device '" + card.id() + "' already");
        }
        int slot = freeSlot(pci, card.slot());
        plug(pci, card, slot);
        return slot;
    }

    private static int freeSlot(PciBus pci, int wanted) {
        boolean any = wanted == PciCard.ANY_SLOT;
        return IntStream.range(PcConfig.FIRST_CARD_SLOT, PciBus.DEVICES).filter(slot -> any || slot == wanted)
                .filter(slot -> pci.function(slot, 0) == null).findFirst().orElseThrow(() -> new UserException(
                        any ? "no PCI slot is free" : "PCI slot " + wanted + " is taken or not one of "
                                + PcConfig.FIRST_CARD_SLOT + " to " + (PciBus.DEVICES - 1)));
    }

    /** Takes the card in {@code slot} out; returns it, empty where there is none. The bus lock is held. */
    Optional<PciCard> unplug(PciBus pci, int slot) {
        PciCard card = slots.remove(slot);
        if (card != null) {
            pci.detach(slot);
            parts.remove("card-" + card.id());
            disks.remove(card.id());
        }
        return Optional.ofNullable(card);
    }

    /** The slot of the card {@code id}; empty where there is none. */
    OptionalInt slotOf(String id) {
        return slots.entrySet().stream().filter(e -> e.getValue().id().equals(id)).mapToInt(Map.Entry::getKey).findFirst();
    }

    /** The cards that are plugged in. */
    Collection<PciCard> cards() {
        return List.copyOf(slots.values());
    }

    /** Plugs in {@code cards}: those with a slot of their own first, so that the others don't take it. */
    void plug(PciBus pci, List<PciCard> cards) {
        cards.stream().filter(c -> c.slot() != PciCard.ANY_SLOT).forEach(c -> plug(pci, c, c.slot()));
        cards.stream().filter(c -> c.slot() == PciCard.ANY_SLOT)
                .forEach(c -> plug(pci, c, pci.freeDevice(PcConfig.FIRST_CARD_SLOT)));
    }

    /** The disks. */
    public Collection<VirtioBlk> disks() {
        return Collections.unmodifiableCollection(disks.values());
    }

    /** The disk on the card {@code id}, if there is one. */
    public Optional<VirtioBlk> disk(String id) {
        return Optional.ofNullable(disks.get(id));
    }

    /** The balloon, where there is one. */
    public Optional<VirtioBalloon> balloon() {
        return Optional.ofNullable(balloon);
    }

    /** Closes the disks and random sources of {@code cards}, waiting for what is under way. */
    static void closeBackEnds(Collection<PciCard> cards) {
        for (PciCard card : cards) {
            switch (card) {
                case PciCard.VirtioDisk d -> d.disk().close();
                case PciCard.VirtioRandom r -> r.source().close();
                case PciCard.VirtioBalloon b -> { }
                case PciCard.VirtioSerial s -> { }
            }
        }
    }

    private void plug(PciBus pci, PciCard card, int slot) {
        VirtioPci function = switch (card) {
            case PciCard.VirtioDisk d -> virtio(disk(d), d.transport());
            case PciCard.VirtioRandom r -> virtio(new VirtioRng(r.source(), services.clock, r.options()), r.transport());
            case PciCard.VirtioBalloon b -> virtio(balloon(b), b.transport());
            case PciCard.VirtioSerial s -> virtio(serial(s), s.transport());
        };
        pci.attach(slot, parts.add("card-" + card.id(), function));
        slots.put(slot, card);
    }

    private VirtioPci virtio(VirtioDevice device, VirtioOptions transport) {
        return new VirtioPci(device, services.board, transport);
    }

    private VirtioBlk disk(PciCard.VirtioDisk card) {
        VirtioBlk disk = new VirtioBlk(card.disk(), card.options(), services.diskFailed);
        disks.put(card.id(), disk);
        return disk;
    }

    private VirtioBalloon balloon(PciCard.VirtioBalloon card) {
        balloon = new VirtioBalloon(services.pages, card.options());
        return balloon;
    }

    private static VirtioConsole serial(PciCard.VirtioSerial card) {
        VirtioConsole console = new VirtioConsole(card.options());
        card.ports().forEach(p -> console.addPort(p.options(), p.backend()));
        return console;
    }
}
