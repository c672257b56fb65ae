"""What a script and the test that runs it say to each other: lines of JSON on standard output and input."""

import json
import sys
import time

# Far beyond what a switch takes; the machine may be busy.
PATIENCE_S = 60

# {"address", "deviceId", "p4info", "program", "tls"?: {"ca", "certificate"?, "key"?}}
options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}


def check(name, value):
    """Something that was seen; the test compares it with what it expects."""
    _say({"check": name, "value": value})


def pause(name):
    """Waits until the test lets the script go on."""
    _ask({"pause": name})


def inject(port, sender=1, payload=b"hello"):
    """Gives the switch a UDP packet from 127.0.0.<sender>; its MAC address is 02:00:7f:00:00:<sender>."""
    _ask({"inject": {"port": port, "sender": sender, "payload": payload.hex()}})


def egress(count):
    """The next packets that leave the switch, sorted: [port, payload in hexadecimal]."""
    return _ask({"egress": count})


def eventually(read, wanted):
    """Reads until it is what is wanted, and returns it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        value = read()
        if wanted(value):
            return value
        if time.monotonic() > end:
            sys.exit(f"it stayed {value}")
        time.sleep(0.02)


def _say(line):
    print(json.dumps(line), flush=True)


def _ask(line):
    _say(line)
    answer = sys.stdin.readline()
    if answer == "":
        sys.exit("the test has gone")
    return json.loads(answer)
