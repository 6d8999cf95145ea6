package org.jkvm.app.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** What the user may have meant. */
public final class Suggestion {
    private Suggestion() {
    }

    /** The candidate nearest to {@code word}, where one is near: with at most a third of its letters wrong. */
    public static Optional<String> nearest(String word, Collection<String> candidates) {
        int limit = (word.length() + 1) / 3;
        return candidates.stream()
                .filter(c -> distance(word, c) <= limit && distance(word, c) < Math.max(word.length(), c.length()))
                .min(Comparator.comparingInt(c -> distance(word, c)));
    }

    /** "; did you mean 'x'?", or nothing. */
    public static String hint(String word, Collection<String> candidates) {
        return nearest(word, candidates).map(c -> "; did you mean '" + c + "'?").orElse("");
    }

    /** Insertions, deletions, replacements between two words (Levenshtein). */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
