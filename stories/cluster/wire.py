"""A wire between two ends, each an interface of the kernel: what is sent takes a while, and some of it is lost.

wire.py END END, as root. Every line of the input says how it is from now on: milliseconds that a packet takes one way, how
many more it takes at most, and the share of packets that are lost, from 0 to 1. The wire is there until its input ends.
"""

import collections
import fcntl
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES_MAX = 65536


def end_named(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def deliver(end, packet):
    try:
        os.write(end, packet)
    except OSError:
        pass  # The interface is down, or has no room: it is lost, as on any wire.


def run(ends):
    delay, jitter, lost = 0.0, 0.0, 0.0
    # What is under way to each end, with when it is there; one after the other, as on a wire.
    under_way = [collections.deque(), collections.deque()]
    last = [0.0, 0.0]
    while True:
        due = [queue[0][0] for queue in under_way if queue]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], wait)
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if line == "":
                return
            delay, jitter, lost = (float(each) for each in line.split())
        for side, end in enumerate(ends):
            if end not in readable:
                continue
            packet = os.read(end, PACKET_BYTES_MAX)
            if random.random() < lost:
                continue
            at = time.monotonic() + (delay + random.random() * jitter) / 1000
            last[side] = max(last[side], at)
            under_way[1 - side].append((last[side], packet))
        now = time.monotonic()
        for side, queue in enumerate(under_way):
            while queue and queue[0][0] <= now:
                deliver(ends[side], queue.popleft()[1])


ends = [end_named(name) for name in sys.argv[1:3]]
print("there", flush=True)
run(ends)
