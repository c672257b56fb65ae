"""In-network aggregation in Mininet: topologies, and what a controller must know of a network.

`fpisa mininet` uses this file, and so can everyone who has Mininet:

    mn --custom fpisa_topo.py --topo fpisa,4 --switch bmv2 --controller none

A custom topology is a subclass of AggregationTopo whose build() adds the switches, and each worker to one
of them; docs/mininet.md shows one.
"""

import json
import os
import sys

from mininet.topo import Topo

# `mn --custom` runs the text of this file without __file__, and without its folder on the path.
sys.path.insert(0, os.path.dirname(os.path.abspath((lambda: 0).__code__.co_filename)))

# pylint: disable=wrong-import-position
from fpisa_links import AggregationLink, TopologyError
from fpisa_nodes import AggregationSwitch, Bmv2Switch, FpisaSwitch, WorkerHost, neighbours, next_hops, worker_ip, worker_mac

SERVICE_UDP_PORT = 0xF15A


class AggregationTopo(Topo):
    """Base of topologies: switches that aggregate, and workers on them.

    loss (percent), delay (as '5ms'), bw (Mbit/s) and mtu (bytes) apply to all links.
    """

    def __init__(self, *args, loss=None, delay=None, bw=None, mtu=None, **params):
        given = {'loss': loss, 'delay': delay, 'bw': bw, 'mtu': mtu}
        self.link_parameters = {name: value for name, value in given.items() if value is not None}
        super().__init__(*args, **params)

    def addAggregator(self, name):
        """A switch; its name carries its number, as in s1."""
        return self.addSwitch(name)

    def addWorker(self, switch, **link):
        """The host of the next rank, h1 for rank 0, on a switch."""
        rank = len(self.hosts())
        name = self.addHost('h%d' % (rank + 1), cls=WorkerHost, rank=rank)
        self.connect(name, switch, **link)
        return name

    def connect(self, lower, upper, **link):
        """A link; parameters that are given here override the topology's."""
        self.addLink(lower, upper, cls=AggregationLink, **{**self.link_parameters, **link})


class SingleSwitchTopo(AggregationTopo):
    """All workers on one switch."""

    def build(self, workers=4):
        switch = self.addAggregator('s1')
        for _ in range(workers):
            self.addWorker(switch)


class TreeTopo(AggregationTopo):
    """Leaf switches under a spine, the workers spread over the leaves: each leaf sends up one sum for all of its workers."""

    def build(self, workers=4, leaves=2):
        spine = self.addAggregator('s1')
        names = [self.addAggregator('s%d' % (index + 2)) for index in range(leaves)]
        for index in range(workers):
            self.addWorker(names[index * leaves // workers])
        # After the workers, so that a leaf's uplink is its last port.
        for leaf in names:
            self.connect(leaf, spine)


def workers_of(net):
    """Worker hosts by rank."""
    return sorted((host for host in net.hosts if isinstance(host, WorkerHost)), key=lambda host: host.rank)


def aggregators_of(net):
    return [switch for switch in net.switches if isinstance(switch, AggregationSwitch)]


def root_of(net):
    """The switch at which the sums of all workers come together: the one without workers of its own, if there is one."""
    switches = aggregators_of(net)
    if not switches:
        raise TopologyError('the topology has no switch that aggregates: add one with addAggregator')
    bare = [switch for switch in switches if not any(isinstance(node, WorkerHost) for node, _ in neighbours(switch).values())]
    return (bare or switches)[0]


def parents(net):
    """For each switch but the root, its way up: {switch: (parent, own port, port of the parent)}."""
    root = root_of(net)
    result = {}
    fringe = [root]
    while fringe:
        upper = fringe.pop(0)
        for port, (node, there) in neighbours(upper).items():
            if isinstance(node, AggregationSwitch) and node is not root and node not in result:
                result[node] = (upper, there, port)
                fringe.append(node)
    lost = [switch.name for switch in aggregators_of(net) if switch is not root and switch not in result]
    if lost:
        raise TopologyError('there is no path from %s to %s: link them' % (', '.join(lost), root.name))
    return result


def switch_configs(net, values=256):
    """What the controller must know of the switches: the list "switches" of its configuration (docs/controller.md)."""
    up = parents(net)
    configs = []
    for switch in aggregators_of(net):
        around = neighbours(switch)
        config = {
            'name': switch.name,
            'address': switch.p4runtime,
            'deviceId': switch.device_id,
            'serviceIp': switch.service_ip,
            'serviceMac': switch.service_mac,
            'serviceUdpPort': SERVICE_UDP_PORT,
            'ports': {str(port): None for port, (node, _) in around.items() if isinstance(node, WorkerHost)},
            'valuesPerPacket': values,
            'routes': [
                {'prefix': worker_ip(host.rank) + '/32', 'port': port, 'mac': worker_mac(host.rank)}
                for host, port in sorted(next_hops(switch).items(), key=lambda item: item[0].rank)
            ],
        }
        if switch in up:
            parent, port, parent_port = up[switch]
            config['parent'] = {'switch': parent.name, 'port': port, 'parentPort': parent_port}
        configs.append(config)
    return configs


def worker_places(net):
    """Where each worker is, by rank."""
    places = []
    for host in workers_of(net):
        intf = host.defaultIntf()
        peer = intf.link.intf2 if intf.link.intf1 is intf else intf.link.intf1
        places.append({
            'rank': host.rank, 'host': host.name, 'pid': host.pid,
            'ip': worker_ip(host.rank), 'mac': worker_mac(host.rank),
            'switch': peer.node.name, 'port': peer.node.ports[peer],
        })
    return places


def print_config(cli, line):
    """Command of Mininet's prompt: fpisaconfig [FILE] [VALUES]. Writes the controller's configuration."""
    words = line.split()
    text = json.dumps({'switches': switch_configs(cli.mn, int(words[1]) if len(words) > 1 else 256)}, indent=2)
    if words:
        with open(words[0], 'w', encoding='utf-8') as file:
            file.write(text + '\n')
    else:
        print(text)


def extend_prompt():
    """Gives the prompt of `mn --custom` the command fpisaconfig."""
    from mininet.cli import CLI
    CLI.do_fpisaconfig = print_config


extend_prompt()

topos = {'fpisa': SingleSwitchTopo, 'fpisatree': TreeTopo}
switches = {'bmv2': Bmv2Switch, 'fpisa': FpisaSwitch}
hosts = {'worker': WorkerHost}
