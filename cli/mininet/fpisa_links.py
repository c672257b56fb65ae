"""Links of an emulated network: Mininet's traffic control, checked, with loss where the kernel has no netem."""

import functools
import subprocess

from mininet.link import TCIntf, TCLink


class TopologyError(Exception):
    """The network cannot be built as described; the message says how to fix it."""


class AggregationIntf(TCIntf):
    """Mininet's interface with traffic control and an MTU, which fails if it cannot be configured as requested."""

    def config(self, mtu=None, **params):
        if mtu is not None:
            self.cmd('ip link set dev %s mtu %d' % (self.name, mtu))
        params.update(txo=False, rxo=False)
        result = super().config(**params)
        said = ''.join((result or {}).get('tcoutputs', [])).strip()
        lines = [line for line in said.splitlines() if not line.startswith('Warning:')]
        if lines:
            raise TopologyError('traffic control of %s failed: %s' % (self.name, lines[0]))
        return result

    @staticmethod
    def delayCmds(parent, delay=None, jitter=None, loss=None, max_queue_size=None):
        """netem where the kernel has it, as Mininet does it; else the same loss by other means."""
        if has_netem():
            return TCIntf.delayCmds(parent, delay, jitter, loss, max_queue_size)
        if delay is not None or jitter is not None:
            raise TopologyError(
                'this kernel cannot delay packets: it lacks the queueing discipline netem; load the module sch_netem, '
                'or omit --delay')
        if not loss:
            return [], parent
        # A class whose queue has room for a single byte drops what a random classic BPF filter sends there.
        threshold = round(loss / 100 * 0xFFFFFFFF)
        load_random, jump_if_above, leave = 0x20, 0x25, 0x06
        ancillary_random = 0xFFFFF000 + 56
        program = '4,%d 0 0 %d,%d 1 0 %d,%d 0 0 %d,%d 0 0 0' % (
            load_random, ancillary_random, jump_if_above, threshold, leave, 0x00100002, leave)
        return [
            '%s qdisc add dev %s' + parent + ' handle 10: htb default 1',
            '%s class add dev %s parent 10: classid 10:1 htb rate 1gbit quantum 60000',
            '%s class add dev %s parent 10: classid 10:2 htb rate 1gbit quantum 60000',
            '%s qdisc add dev %s parent 10:2 bfifo limit 1',
            '%s filter add dev %s parent 10: protocol all bpf bytecode "' + program + '"',
        ], ' parent 10:1 '


@functools.lru_cache(maxsize=None)
def has_netem():
    """Whether the kernel has netem, tried in a temporary network namespace."""
    tried = subprocess.run(['unshare', '--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem'],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return tried.returncode == 0


class AggregationLink(TCLink):
    """A link that carries contributions and results: `bw` in Mbit/s, `delay` as '5ms', `loss` in percent, `mtu` in bytes."""

    def __init__(self, *args, **params):
        params.update(cls1=AggregationIntf, cls2=AggregationIntf)
        super().__init__(*args, **params)
