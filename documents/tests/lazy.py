"""A volume as EBS makes it from a snapshot: each block is fetched at its first read. See lazy-volume.c."""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PIECE = 512 << 10


def built(folder):
    """The program, or the end where this machine cannot have it."""
    program = folder / "lazy-volume"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True)
    if flags.returncode or os.geteuid() or not pathlib.Path("/dev/fuse").exists():
        sys.exit("a lazy volume needs root, /dev/fuse and the packages fuse3, libfuse3-dev, pkg-config and xfsprogs")
    subprocess.run(["cc", "-O2", HERE / "lazy-volume.c", "-o", program, *flags.stdout.split(), "-lpthread"], check=True)
    return program


def image(folder, data):
    """An XFS image with the data in its folder mysql, which moves into it."""
    path, place = folder / "image", folder / "filling"
    place.mkdir()
    used = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
    with open(path, "wb") as file:
        file.truncate(used + used // 4 + (400 << 20))
    subprocess.run(["mkfs.xfs", "-q", path], check=True)
    subprocess.run(["mount", "-o", "loop", path, place], check=True)
    try:
        subprocess.run(["cp", "-a", data, place / "mysql"], check=True)
    finally:
        subprocess.run(["umount", place], check=True)
    shutil.rmtree(data)
    return path


@contextlib.contextmanager
def mounted(program, image, folder, delay, rate, **variables):
    """Where the image is mounted, with nothing of it read yet."""
    below, place = folder / "below", folder / "lazy"
    below.mkdir(exist_ok=True)
    place.mkdir(exist_ok=True)
    process = subprocess.Popen([program, image, below, str(delay), str(rate)], env=os.environ | variables)
    loop = None
    try:
        while not (below / "volume").exists():
            if process.poll() is not None:
                sys.exit("lazy-volume ended")
        command = ["losetup", "--find", "--show", "--direct-io=on", below / "volume"]
        loop = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        # 128 KiB, as on EC2; a loop device has far more.
        subprocess.run(["blockdev", "--setra", "256", loop], check=True)
        subprocess.run(["mount", "-o", "nouuid", loop, place], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)
    finally:
        if loop:
            subprocess.run(["losetup", "-d", loop], check=True)
        # Others may look at loop devices at this moment, and so hold it; the program ends with the last of them.
        subprocess.run(["umount", "--lazy", below], check=True)
        process.wait()


def read_all(place, requests=32):
    """Seconds for each byte of all files once, with so many requests outstanding."""
    began = time.monotonic()
    files = [file for file in sorted(place.rglob("*")) if file.is_file()]
    handles = [os.open(file, os.O_RDONLY) for file in files]
    pieces = [(handle, at) for handle in handles for at in range(0, os.fstat(handle).st_size, PIECE)]
    with concurrent.futures.ThreadPoolExecutor(requests) as pool:
        count = sum(pool.map(lambda piece: len(os.pread(piece[0], PIECE, piece[1])), pieces))
    for handle in handles:
        os.close(handle)
    return time.monotonic() - began, count
