package org.jkvm.app.img;

import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** JSON text, indented by four. */
final class Json {
    private Json() {
    }

    static String text(Object tree) {
        DefaultIndenter indenter = new DefaultIndenter("    ", "\n");
        Separators separators = PrettyPrinter.DEFAULT_SEPARATORS.withObjectNameValueSpacing(Separators.Spacing.AFTER);
        ObjectWriter writer = new JsonMapper().writer().with(new DefaultPrettyPrinter(separators)
                .withObjectIndenter(indenter).withArrayIndenter(indenter));
        return writer.writeValueAsString(tree);
    }
}
