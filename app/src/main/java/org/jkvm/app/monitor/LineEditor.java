package org.jkvm.app.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Edits a line on a terminal that sends single keys: cursor keys, Backspace, Ctrl-A E K U W L, history, completion by Tab
 * (ECMA-48 control sequences). It works over any character device, so it owns no terminal. One thread at a time.
 */
final class LineEditor {
    private static final int ESCAPE = 0x1b;
    private static final int DELETE = 0x7f;
    private static final int MAX_LINE = 4096;
    private static final int MAX_HISTORY = 100;

    private final String prompt;
    private final Consumer<String> screen;
    private final Completer completer;
    private final List<String> history = new ArrayList<>();
    private final StringBuilder line = new StringBuilder();
    private final StringBuilder sequence = new StringBuilder();
    private int cursor;
    private int recalled;
    private boolean inSequence;
    private boolean afterReturn;

    /** Says how a line may go on. */
    @FunctionalInterface
    interface Completer {
        /** The words that may stand where {@code start} ends, whole. */
        List<String> candidates(String start);
    }

    LineEditor(String prompt, Consumer<String> screen, Completer completer) {
        this.prompt = prompt;
        this.screen = screen;
        this.completer = completer;
    }

    /** Shows the prompt and what has been typed so far. */
    void show() {
        redraw();
    }

    /** Takes a key; returns the line when it is complete, else null. */
    String key(int key) {
        if (inSequence) {
            sequence(key);
            return null;
        }
        boolean second = afterReturn && key == '\n';
        afterReturn = key == '\r';
        return second ? null : plain(key);
    }

    private String plain(int key) {
        switch (key) {
            case '\r', '\n' -> {
                return enter();
            }
            case ESCAPE -> inSequence = true;
            case 'A' - '@' -> moveTo(0);
            case 'B' - '@' -> moveTo(cursor - 1);
            case 'D' - '@' -> delete(cursor, cursor + 1);
            case 'E' - '@' -> moveTo(line.length());
            case 'F' - '@' -> moveTo(cursor + 1);
            case 'H' - '@', DELETE -> delete(cursor - 1, cursor);
            case 'I' - '@' -> complete();
            case 'K' - '@' -> delete(cursor, line.length());
            case 'L' - '@' -> clearScreen();
            case 'N' - '@' -> recall(recalled + 1);
            case 'P' - '@' -> recall(recalled - 1);
            case 'U' - '@' -> delete(0, cursor);
            case 'W' - '@' -> delete(wordStart(), cursor);
            default -> insert(key);
        }
        return null;
    }

    private String enter() {
        screen.accept("\r\n");
        String entered = line.toString();
        if (!entered.isBlank() && (history.isEmpty() || !history.getLast().equals(entered))) {
            history.add(entered);
        }
        if (history.size() > MAX_HISTORY) {
            history.removeFirst();
        }
        recalled = history.size();
        line.setLength(0);
        cursor = 0;
        return entered;
    }

    private void insert(int key) {
        if (key < ' ' || line.length() >= MAX_LINE) {
            return;
        }
        line.insert(cursor, (char) key);
        cursor++;
        if (cursor == line.length()) {
            screen.accept(String.valueOf((char) key));
        } else {
            redraw();
        }
    }

    private void delete(int from, int to) {
        int end = Math.min(to, line.length());
        if (from < 0 || from >= end) {
            return;
        }
        line.delete(from, end);
        cursor = from;
        redraw();
    }

    private int wordStart() {
        int at = cursor;
        while (at > 0 && line.charAt(at - 1) == ' ') {
            at--;
        }
        while (at > 0 && line.charAt(at - 1) != ' ') {
            at--;
        }
        return at;
    }

    private void moveTo(int position) {
        cursor = Math.clamp(position, 0, line.length());
        redraw();
    }

    private void recall(int index) {
        recalled = Math.clamp(index, 0, history.size());
        line.setLength(0);
        line.append(recalled < history.size() ? history.get(recalled) : "");
        moveTo(line.length());
    }

    private void clearScreen() {
        screen.accept("\u001b[H\u001b[2J");
        redraw();
    }

    private void complete() {
        int from = line.lastIndexOf(" ", cursor - 1) + 1;
        String start = line.substring(Math.min(from, cursor), cursor);
        List<String> candidates = completer.candidates(line.substring(0, cursor)).stream()
                .filter(c -> c.startsWith(start)).toList();
        if (candidates.size() == 1) {
            (candidates.getFirst().substring(start.length()) + " ").chars().forEach(this::insert);
        } else if (candidates.size() > 1) {
            screen.accept("\r\n" + String.join("  ", candidates) + "\r\n");
            redraw();
        }
    }

    /** Control sequences: ESC [ parameters final, and ESC O final for the cursor keys of some terminals. */
    private void sequence(int key) {
        sequence.append((char) key);
        boolean introducer = sequence.length() == 1 && (key == '[' || key == 'O');
        if (introducer || sequence.length() < 8 && key < '@') {
            return;
        }
        inSequence = false;
        String keys = sequence.toString();
        sequence.setLength(0);
        switch (keys) {
            case "[A", "OA" -> recall(recalled - 1);
            case "[B", "OB" -> recall(recalled + 1);
            case "[C", "OC" -> moveTo(cursor + 1);
            case "[D", "OD" -> moveTo(cursor - 1);
            case "[H", "OH", "[1~" -> moveTo(0);
            case "[F", "OF", "[4~" -> moveTo(line.length());
            case "[3~" -> delete(cursor, cursor + 1);
            default -> {
                // A key that means nothing here.
            }
        }
    }

    private void redraw() {
        int back = line.length() - cursor;
        screen.accept("\r" + prompt + line + "\u001b[K" + (back > 0 ? "\u001b[" + back + "D" : ""));
    }
}
