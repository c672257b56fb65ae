"""Hosts and switches of an emulated network, and their addresses."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from mininet.node import Host, Switch
from mininet.util import quietRun

from fpisa_links import TopologyError

HERE = os.path.dirname(os.path.abspath(__file__))

DATA_PREFIX = 24

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

# Of a switch's output, in an error message.
WORDS_LINES = 4

# Offloads leave work to a network card that a veth pair does not have: checksums stay unwritten, and
# segments longer than the link's MTU reach the switch.
OFFLOADS = ('rx', 'tx', 'tso', 'gso', 'gro')


def worker_ip(rank):
    return '10.0.0.%d' % (rank + 1)


def worker_mac(rank):
    return '02:00:0a:00:00:%02x' % (rank + 1)


def service_ip(number):
    """Address of the aggregation service on switch `number`, counted down from the top of the subnet."""
    return '10.0.0.%d' % (255 - number)


def service_mac(number):
    return '02:00:0a:00:00:%02x' % (255 - number)


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

    def __init__(self, name, number=None, logs=None, **params):
        super().__init__(name, **params)
        self.number = number or int(re.search(r'\d+', name).group())
        # A folder of its own: in one that all may write, whoever guesses the name could plant a link there.
        self.log = os.path.join(logs or tempfile.mkdtemp(prefix='fpisa-%s-' % name), '%s.log' % name)
        self.process = None
        self.log_start = 0
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
            self.log_start = log.tell()
            # In its own session: Ctrl-C at Mininet's prompt must not reach it.
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.wanted = True
        deadline = time.monotonic() + START_SECONDS
        while not answers(P4RUNTIME_PORT + self.number - 1):
            if self.process.poll() is not None:
                raise TopologyError(self.obituary())
            if time.monotonic() > deadline:
                raise TopologyError('switch %s does not answer at %s after %d s, and said: %s' % (self.name, self.p4runtime, START_SECONDS, self.words()))
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
        return 'switch %s (%s) ended with code %s, and said: %s' % (
            self.name, os.path.basename(self.process.args[0]), self.process.returncode, self.words())

    def words(self):
        with open(self.log, encoding='utf-8', errors='replace') as log:
            log.seek(self.log_start)
            return summary(log.read())

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


def summary(output):
    """The first lines of a program's output, which have the reason of a refusal, and the last, which has that of a crash."""
    # After a wrong option comes the whole usage, and nothing of interest.
    before_usage = re.split(r'^Usage:', output, flags=re.MULTILINE)[0]
    lines = [line.strip() for line in before_usage.splitlines() if line.strip()]
    if len(lines) > WORDS_LINES:
        lines = [*lines[:WORDS_LINES - 1], '...', lines[-1]]
    return ' / '.join(lines) or 'nothing'


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

    def supported(self, options):
        """Of pairs of option and value, those that this build has: Thrift and nanomsg are optional in BMv2."""
        usage = subprocess.run([self.program, '--help'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout.decode(errors='replace')
        return [word for option, value in options if re.search(r'^\s*%s(\s|$)' % re.escape(option), usage, re.MULTILINE) for word in (option, value)]

    def command(self):
        interfaces = [argument for port, intf in self.data_ports().items() for argument in ('-i', '%d@%s' % (port, intf.name))]
        # The default name of this socket is the same for every switch of that number on the machine.
        notifications = 'ipc://%s' % os.path.splitext(self.log)[0] + '.ipc'
        # simple_switch_CLI connects to the Thrift server.
        optional = [('--thrift-port', str(THRIFT_PORT + self.number - 1)), ('--notifications-addr', notifications)]
        return [
            self.program, '--no-p4', '--device-id', str(self.device_id), *interfaces, *self.supported(optional),
            '--log-console', '-L', 'warn',
            '--', '--grpc-server-addr', self.p4runtime, '--cpu-port', str(CPU_PORT),
        ]


class FpisaSwitch(AggregationSwitch):
    """The embedded switch of this project, on the same interfaces."""

    def command(self):
        ports = [argument for port, intf in self.data_ports().items() for argument in ('--port', '%d=%s' % (port, intf.name))]
        fpisa = os.path.join(HERE, '..', '..', 'bin', 'fpisa.js')
        node = os.environ.get('FPISA_NODE') or 'node'
        return [node, os.path.normpath(fpisa), 'switch', '--json', '--p4runtime', self.p4runtime, '--device-id', str(self.device_id), *ports]


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
