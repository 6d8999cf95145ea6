package org.jkvm.app.img;

import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** JSON text, indented by four. */
final class Json {
    private Json() {
    }

    static String text(Object tree) {
        DefaultIndenter indenter = new DefaultIndenter("    ", "\n");
        ObjectWriter writer = new JsonMapper().writer(new DefaultPrettyPrinter()
                .withObjectIndenter(indenter).withArrayIndenter(indenter));
        return writer.writeValueAsString(tree);
    }
}
