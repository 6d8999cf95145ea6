package org.jkvm.app.demo;

import java.util.ArrayList;
import java.util.List;
import org.jkvm.base.HostException;

/** How this process was started, so that another can be started the same way. */
final class OwnCommand {
    private OwnCommand() {
    }

    /** This JVM with its options and main class; the kvm command's arguments are to follow. */
    static List<String> words() {
        ProcessHandle.Info info = ProcessHandle.current().info();
        List<String> arguments = List.of(info.arguments().orElse(new String[0]));
        int main = arguments.indexOf("-m");
        if (info.command().isEmpty() || main < 0 || main + 1 >= arguments.size()) {
            throw new HostException("can't tell how this process was started (/proc is needed)");
        }
        List<String> words = new ArrayList<>(List.of(info.command().get()));
        words.addAll(arguments.subList(0, main + 2));
        return words;
    }
}
