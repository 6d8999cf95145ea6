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

    /** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                d[i][j] = i == 0 || j == 0 ? i + j : step(d, a, b, i, j);
            }
        }
        return d[a.length()][b.length()];
    }

    private static int step(int[][] d, String a, String b, int i, int j) {
        int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        int best = Math.min(replaced, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        boolean swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(best, d[i - 2][j - 2] + 1) : best;
    }
}
