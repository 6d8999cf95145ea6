package org.jkvm.app.monitor;

import java.util.Locale;
import org.jkvm.hypervisor.x86.X86State;

/** Addresses as typed: numbers, registers ($rip, $rsp, $cr3, $cs for its base), + - * and brackets. */
final class Expression {
    private final String text;
    private final X86State registers;
    private int at;

    private Expression(String text, X86State registers) {
        this.text = text;
        this.registers = registers;
    }

    /**
     * What {@code text} comes to.
     *
     * @throws MonitorException where it can't be understood
     */
    static long evaluate(String text, X86State registers) {
        Expression expression = new Expression(text, registers);
        long value = expression.sum();
        if (expression.at < text.length()) {
            throw new MonitorException("unexpected '" + text.charAt(expression.at) + "' in expression");
        }
        return value;
    }

    private long sum() {
        long value = product();
        while (true) {
            if (accept('+')) {
                value += product();
            } else if (accept('-')) {
                value -= product();
            } else {
                return value;
            }
        }
    }

    private long product() {
        long value = term();
        while (accept('*')) {
            value *= term();
        }
        return value;
    }

    private long term() {
        if (accept('-')) {
            return -term();
        }
        if (accept('(')) {
            long value = sum();
            if (!accept(')')) {
                throw new MonitorException("')' expected");
            }
            return value;
        }
        return accept('$') ? register(word()) : number(word());
    }

    private boolean accept(char c) {
        while (at < text.length() && text.charAt(at) == ' ') {
            at++;
        }
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private String word() {
        int from = at;
        while (at < text.length() && Character.isLetterOrDigit(text.charAt(at))) {
            at++;
        }
        return text.substring(from, at);
    }

    private static long number(String word) {
        try {
            String lower = word.toLowerCase(Locale.ROOT);
            return lower.startsWith("0x") ? Long.parseUnsignedLong(lower.substring(2), 16) : Long.parseUnsignedLong(lower);
        } catch (NumberFormatException e) {
            throw new MonitorException(word.isEmpty() ? "number expected" : "'" + word + "' is not a number");
        }
    }

    private long register(String name) {
        for (int i = 0; i < X86State.GENERAL.length; i++) {
            if (X86State.GENERAL[i].equals(name)) {
                return registers.general[i];
            }
        }
        for (int i = 0; i < X86State.SEGMENTS.length; i++) {
            if (X86State.SEGMENTS[i].equals(name)) {
                return registers.segments[i].base();
            }
        }
        return switch (name) {
            case "pc", "rip", "eip" -> registers.rip;
            case "cr0" -> registers.cr0;
            case "cr2" -> registers.cr2;
            case "cr3" -> registers.cr3;
            case "cr4" -> registers.cr4;
            case "rflags", "eflags" -> registers.rflags;
            default -> throw new MonitorException("unknown register");
        };
    }
}
