"""In-network aggregation in Mininet: hosts, links, switches and topologies.

`fpisa mininet` uses this file, and so can everyone who has Mininet:

    mn --custom fpisa_topo.py --topo fpisa,4 --switch bmv2 --controller none

A custom topology is a subclass of AggregationTopo whose build() adds the switches, and each worker to one
of them; docs/mininet.md shows one.

All of it is one file, however long, because `mn --custom` takes one and runs it as text: it could not
import a file next to it.
"""

import functools
import json
import os
import re
import shutil
import socket
import subprocess
import time

from mininet.link import TCIntf, TCLink
from mininet.node import Host, Switch
from mininet.topo import Topo
from mininet.util import quietRun

# `mn --custom` runs this file without __file__.
HERE = os.path.dirname(os.path.abspath((lambda: 0).__code__.co_filename))

DATA_PREFIX = 24
SERVICE_UDP_PORT = 0xF15A

# Where workers reach the controller. RFC 2544 sets these addresses apart for tests, so no real network has them.
CONTROLLER_IP = '198.18.0.1'

# P4Runtime of switch 1; the others follow. 9559 is the port that IANA gave P4Runtime.
P4RUNTIME_PORT = 9559
# Thrift of switch 1, BMv2's default; the others follow.
THRIFT_PORT = 9090
# The FPISA program's number for the controller's port.
CPU_PORT = 510

START_SECONDS = 30
STOP_SECONDS = 5

# Offloads leave work to a network card that a veth pair does not have: checksums stay unwritten, and
# segments longer than the link's MTU reach the switch.
OFFLOADS = ('rx', 'tx', 'tso', 'gso', 'gro')


class TopologyError(Exception):
    """The network cannot be built as described; the message says how to fix it."""


def worker_ip(rank):
    return '10.0.0.%d' % (rank + 1)


def worker_mac(rank):
    return '02:00:0a:00:00:%02x' % (rank + 1)


def service_ip(number):
    """Address of the aggregation service on switch `number`, counted down from the top of the subnet."""
    return '10.0.0.%d' % (255 - number)


def service_mac(number):
    return '02:00:0a:00:00:%02x' % (255 - number)


class AggregationIntf(TCIntf):
    """Mininet's interface with traffic control, which fails if it cannot be configured as requested."""

    def config(self, **params):
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
    """A link that carries contributions and results: `bw` in Mbit/s, `delay` as '5ms', `loss` in percent."""

    def __init__(self, *args, **params):
        params.update(cls1=AggregationIntf, cls2=AggregationIntf)
        super().__init__(*args, **params)


class WorkerHost(Host):
    """A host for one worker: a data link to its switch, and a management link to the controller.

    The switch answers no ARP, so all addresses of the data network are static entries.
    """

    def __init__(self, name, rank=0, **params):
        self.rank = rank
        params.update(ip='%s/%d' % (worker_ip(rank), DATA_PREFIX), mac=worker_mac(rank))
        super().__init__(name, **params)

    @property
    def management(self):
        """Interface of this host's management link; its peer is in the namespace where Mininet itself runs."""
        return '%s-mgmt' % self.name

    @property
    def management_peer(self):
        return '%s-ctl' % self.name

    @property
    def management_ip(self):
        return '198.18.0.%d' % (self.rank + 2)

    def config(self, **params):
        result = super().config(**params)
        quiet(self.cmd, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1')
        for feature in OFFLOADS:
            quiet(self.cmd, 'ethtool -K %s %s off' % (self.defaultIntf(), feature))
        self.manage()
        return result

    def manage(self):
        """A veth pair to the controller, outside the emulated network."""
        quietRun('ip link del ' + self.management_peer)
        must(self.cmd, 'ip link add name %s type veth peer name %s netns %d' % (self.management, self.management_peer, os.getpid()))
        must(self.cmd, 'ip addr add %s peer %s dev %s' % (self.management_ip, CONTROLLER_IP, self.management))
        must(self.cmd, 'ip link set %s up' % self.management)
        must(quietRun, 'ip addr add %s peer %s dev %s' % (CONTROLLER_IP, self.management_ip, self.management_peer))
        must(quietRun, 'ip link set %s up' % self.management_peer)

    def know(self, addresses):
        """Static ARP entries: {ip: mac}."""
        must(self.cmd, '; '.join(
            'ip neigh replace %s lladdr %s nud permanent dev %s' % (ip, mac, self.defaultIntf()) for ip, mac in addresses.items()))

    def terminate(self):
        # The namespace takes the pair with it, but not before the last process in it is gone.
        quietRun('ip link del ' + self.management_peer)
        super().terminate()


def quiet(run, command):
    run(command + ' >/dev/null 2>&1' if run is not quietRun else command)


def must(run, command):
    said = run(command).strip()
    if said:
        raise TopologyError('"%s" failed: %s' % (command, said))


class AggregationSwitch(Switch):
    """A switch that a P4Runtime controller programs: a process on Mininet's interfaces, port N on eth<N>."""

    def __init__(self, name, number=None, logs='/tmp', **params):
        super().__init__(name, **params)
        self.number = number or int(re.search(r'\d+', name).group())
        self.log = os.path.join(logs, '%s.log' % name)
        self.process = None
        # Whether it is meant to run: one that ends while this is so has died.
        self.wanted = False

    @property
    def device_id(self):
        return self.number

    @property
    def p4runtime(self):
        return '127.0.0.1:%d' % (P4RUNTIME_PORT + self.number - 1)

    @property
    def service_ip(self):
        return service_ip(self.number)

    @property
    def service_mac(self):
        return service_mac(self.number)

    def data_ports(self):
        """Port number to interface."""
        return {port: intf for port, intf in sorted(self.intfs.items()) if intf.name != 'lo'}

    def command(self):
        """Arguments of the process, the program first."""
        raise NotImplementedError

    def listens_at(self):
        """TCP ports that the process takes."""
        return [P4RUNTIME_PORT + self.number - 1]

    def start(self, controllers):
        """Returns when the switch answers on its P4Runtime port."""
        for port in self.listens_at():
            if answers(port):
                raise TopologyError('switch %s cannot listen on TCP port %d: it is in use; stop the process that uses it' % (self.name, port))
        for port, intf in self.data_ports().items():
            quiet(self.cmd, 'sysctl -qw net.ipv6.conf.%s.disable_ipv6=1' % intf.name)
            for feature in OFFLOADS:
                quiet(self.cmd, 'ethtool -K %s %s off' % (intf.name, feature))
        self.introduce()
        with open(self.log, 'a', encoding='utf-8') as log:
            # In its own session: Ctrl-C at Mininet's prompt must not reach it.
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.wanted = True
        deadline = time.monotonic() + START_SECONDS
        while not answers(P4RUNTIME_PORT + self.number - 1):
            if self.process.poll() is not None:
                raise TopologyError(self.obituary())
            if time.monotonic() > deadline:
                raise TopologyError('switch %s does not answer at %s after %d s; its last output: %s' % (self.name, self.p4runtime, START_SECONDS, self.last_words()))
            time.sleep(0.05)

    def introduce(self):
        """Gives the workers static ARP entries for its address, and for one another."""
        hosts = next_hops(self)
        for host in hosts:
            others = {worker_ip(other.rank): worker_mac(other.rank) for other in hosts if other is not host}
            host.know({**others, self.service_ip: self.service_mac})

    def died(self):
        return self.wanted and self.process.poll() is not None

    def obituary(self):
        return 'switch %s (%s) ended with code %s; its last output: %s' % (
            self.name, os.path.basename(self.process.args[0]), self.process.returncode, self.last_words())

    def last_words(self):
        with open(self.log, encoding='utf-8', errors='replace') as log:
            lines = [line.strip() for line in log if line.strip()]
        return ' / '.join(lines[-3:]) or 'nothing'

    def kill(self):
        """Ends it as a power failure would."""
        self.wanted = False
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, deleteIntfs=True):
        self.wanted = False
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        super().stop(deleteIntfs)


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


class Bmv2Switch(AggregationSwitch):
    """BMv2's simple_switch_grpc, empty until the controller pushes the program."""

    program = 'simple_switch_grpc'

    @classmethod
    def setup(cls):
        super().setup()
        if shutil.which(cls.program) is None:
            raise TopologyError('%s is not on PATH; docs/mininet.md says how to get BMv2' % cls.program)

    def thrift(self):
        """Options for the Thrift server that simple_switch_CLI connects to, if this build has one."""
        usage = subprocess.run([self.program, '--help'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
        return ['--thrift-port', str(THRIFT_PORT + self.number - 1)] if b'--thrift-port' in usage else []

    def command(self):
        interfaces = [argument for port, intf in self.data_ports().items() for argument in ('-i', '%d@%s' % (port, intf.name))]
        # The default name of this socket is the same for every switch of that number on the machine.
        notifications = 'ipc://%s' % os.path.splitext(self.log)[0] + '.ipc'
        return [
            self.program, '--no-p4', '--device-id', str(self.device_id), *interfaces, *self.thrift(),
            '--notifications-addr', notifications, '--log-console', '-L', 'warn',
            '--', '--grpc-server-addr', self.p4runtime, '--cpu-port', str(CPU_PORT),
        ]


class FpisaSwitch(AggregationSwitch):
    """The embedded switch of this project, on the same interfaces."""

    def command(self):
        ports = [argument for port, intf in self.data_ports().items() for argument in ('--port', '%d=%s' % (port, intf.name))]
        fpisa = os.path.join(HERE, '..', '..', 'bin', 'fpisa.js')
        node = os.environ.get('FPISA_NODE', 'node')
        return [node, os.path.normpath(fpisa), 'switch', '--json', '--p4runtime', self.p4runtime, '--device-id', str(self.device_id), *ports]


class AggregationTopo(Topo):
    """Base of topologies: switches that aggregate, and workers on them.

    loss (percent), delay (as '5ms') and bw (Mbit/s) apply to all links.
    """

    def __init__(self, *args, loss=None, delay=None, bw=None, **params):
        given = {'loss': loss, 'delay': delay, 'bw': bw}
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


def neighbours(switch):
    """Port number to (node, port number there)."""
    result = {}
    for port, intf in switch.data_ports().items():
        link = intf.link
        peer = link.intf2 if link.intf1 is intf else link.intf1
        result[port] = (peer.node, peer.node.ports[peer])
    return result


def next_hops(switch):
    """For each worker reachable from a switch: its port towards it."""
    hops = {}
    seen = {switch}
    fringe = [(node, port) for port, (node, _) in neighbours(switch).items()]
    while fringe:
        node, first = fringe.pop(0)
        if isinstance(node, WorkerHost):
            hops.setdefault(node, first)
        elif node not in seen:
            seen.add(node)
            fringe += [(further, first) for further, _ in neighbours(node).values()]
    return hops


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
