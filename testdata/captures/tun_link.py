"""Makes a link without Ethernet between two network namespaces.

    ip netns exec LEFT python3 tun_link.py RIGHT

makes a tun device called raw in this namespace and another of that name in the
namespace RIGHT, and carries every IP packet between the two until it is killed.
It prints one line when both devices exist.
"""

import fcntl
import os
import select
import struct
import subprocess
import sys

# From linux/if_tun.h.
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000  # a read or write is one packet, with nothing before it


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main():
    right_ns = sys.argv[1]
    # A device keeps its file descriptor when it moves to another namespace.
    right = tun("raw")
    subprocess.run(["ip", "link", "set", "raw", "netns", right_ns], check=True)
    left = tun("raw")
    print("both devices exist", flush=True)

    other = {left: right, right: left}
    while True:
        for fd in select.select([left, right], [], [])[0]:
            try:
                os.write(other[fd], os.read(fd, 65536))
            except OSError:
                pass  # a device that is down takes no packet, nor does a wire that is cut


main()
