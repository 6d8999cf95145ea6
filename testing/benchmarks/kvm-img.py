#!/usr/bin/env python3
"""kvm-img beside qemu-img: the same work by turns on the same files, wall-clock and processor time.

    testing/benchmarks/kvm-img.py [--folder FOLDER] [--rounds N] [--data MIB] [NAME...]

Makes a raw disk of 20 GiB with 2 GiB of data (unless --data says otherwise) in FOLDER (a new one in /dev/shm unless given),
half of it random bytes, half lines of words, runs every task NAME (all unless given) in turn with both tools, and prints a
row of a table for each: the best and the median wall-clock time of the rounds and the ratio of the medians. What kvm-img
made is compared with qemu-img before the next round. "check" and "info" are done by the kvm-img that stays after two of them
within a minute (docs/adr/0028), "a JVM each" are without it; the processor time is the command's, not its. Needs the folder's room for about three times the data.
"""
import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.path.join(ROOT, "kvm-img")
DISK = 20 << 30
STRETCH = 16 << 20

# Name, words behind the tool's name, what it makes, what it needs.
TASKS = [
    ("raw to qcow2", "convert -f raw -O qcow2 src.raw out", "out", ["src.raw"]),
    ("qcow2 to raw", "convert -f qcow2 -O raw src.qcow2 out", "out", ["src.qcow2"]),
    ("compare", "compare -f raw -F qcow2 src.raw src.qcow2", None, ["src.raw", "src.qcow2"]),
    ("check", "check -f qcow2 src.qcow2", None, ["src.qcow2"]),
    ("check, a JVM each", "check -f qcow2 src.qcow2", None, ["src.qcow2"]),
    ("info", "info src.qcow2", None, ["src.qcow2"]),
    ("info, a JVM each", "info src.qcow2", None, ["src.qcow2"]),
    ("raw to qcow2, zlib", "convert -f raw -O qcow2 -c src.raw out", "out", ["src.raw"]),
    ("raw to qcow2, zstd", "convert -f raw -O qcow2 -c -o compression_type=zstd src.raw out", "out", ["src.raw"]),
    ("packed qcow2 to raw", "convert -f qcow2 -O raw packed.qcow2 out", "out", ["packed.qcow2"]),
]


def make_source(path, data):
    """Random bytes and words by turns, spread over the disk."""
    chance = random.Random(7)
    words = [bytes(chance.choice(b"abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(2, 9))) for _ in range(3000)]
    stretches = max(1, data // STRETCH)
    with open(path, "wb") as file:
        file.truncate(DISK)
        for i in range(stretches):
            file.seek(i * (DISK // stretches))
            file.write(os.urandom(STRETCH) if i % 2 else text(chance, words))


def text(chance, words):
    lines = b" ".join(chance.choice(words) for _ in range(450000))
    return (lines * (STRETCH // len(lines) + 1))[:STRETCH]


def run(tool, words, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run([tool] + words.split(), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(folder, need):
    for name in ["src.qcow2", "packed.qcow2"]:
        path = os.path.join(folder, name)
        if name in need and not os.path.exists(path):
            packed = ["-c"] if name == "packed.qcow2" else []
            subprocess.run([OURS, "convert", "-f", "raw", "-O", "qcow2", *packed, "src.raw", name], cwd=folder, check=True)
        elif name not in need and os.path.exists(path):
            os.remove(path)


def verify(folder):
    """What kvm-img made is what it was made from, by qemu-img's word."""
    subprocess.run(["qemu-img", "compare", "-q", "src.raw", "out"], cwd=folder, check=True)


def meet_resident(folder, words):
    """Gives a command until a kvm-img stays for the next (docs/adr/0028): it starts with the second one."""
    for _ in range(6):
        run(OURS, words, folder)
        time.sleep(0.5)


def rounds(folder, task, count):
    name, words, made, _ = task
    os.environ["JKVM_RESIDENT"] = "0" if "a JVM each" in name else "1"
    if name in ("check", "info"):
        meet_resident(folder, words)
    times = {"kvm-img": [], "qemu-img": []}
    for i in range(count):
        pair = [("kvm-img", OURS), ("qemu-img", "qemu-img")]
        for label, tool in pair if i % 2 else pair[::-1]:
            times[label].append(run(tool, words, folder))
            if made and label == "kvm-img" and i == 0:
                verify(folder)
            if made:
                os.remove(os.path.join(folder, made))
    return times


def row(name, times):
    def figures(label):
        wall = [t[0] for t in times[label]]
        return min(wall), statistics.median(wall), statistics.median(t[1] for t in times[label])
    ours, theirs = figures("kvm-img"), figures("qemu-img")
    print("| %s | %.3g (%.3g, cpu %.3g) | %.3g (%.3g, cpu %.3g) | %.2f | %.2f |" % (
        name, ours[1], ours[0], ours[2], theirs[1], theirs[0], theirs[2], ours[1] / theirs[1], ours[0] / theirs[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=int, default=2048)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    if not shutil.which("qemu-img"):
        sys.exit("qemu-img is not installed: nothing to compare with")
    folder = tempfile.mkdtemp(prefix="kvm-img-", dir=given.folder or "/dev/shm")
    try:
        make_source(os.path.join(folder, "src.raw"), given.data << 20)
        subprocess.run([OURS, "--version"], check=True, stdout=subprocess.DEVNULL)
        print("| seconds: median (best, processor) | kvm-img | qemu-img | ratio of medians | of bests |\n|---|---|---|---|---|")
        for task in TASKS:
            if not given.names or task[0] in given.names:
                prepare(folder, task[3])
                row(task[0], rounds(folder, task, given.rounds))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
