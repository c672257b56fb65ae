"""Runs a Mininet network for `fpisa mininet`, which communicates with it over file descriptor 3.

Both sides send JSON objects, one a line. The first message says what to build:

    {"switch": "bmv2", "topo": "fpisa,4", "custom": FILE or null, "values": 256, "logs": FOLDER, "cli": false,
     "loss": percent, "delay": "5ms", "bw": Mbit/s}

Answers and events:

    {"event": "started", "switches": [...], "workers": [...], "netem": true}
    {"event": "done", "command": ...}      a command was carried out
    {"event": "failed", "error": text}     it was not, or the network could not be built, which ends the driver
    {"event": "died", "error": text}       a switch ended without being told to
    {"event": "allreduce"}                 requested at the prompt; answered by {"reduced": true}
    {"event": "left"}                      the prompt was left

Commands: {"kill": "s1"}, {"start": "s1"}, {"restart": "s1"}, {"stop": true}. The end of the connection is a stop.
"""

import json
import os
import select
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from mininet.cli import CLI
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.topo import Topo
from mininet.util import buildTopo, specialClass

import fpisa_links
import fpisa_nodes
import fpisa_topo

CHANNEL = 3
# Between two checks that the switches are alive.
WATCH_SECONDS = 0.2


class Channel:
    """The connection to the process that started this one."""

    def __init__(self, descriptor):
        self.socket = socket.socket(fileno=descriptor)
        self.buffer = b''
        self.lock = threading.Lock()

    def send(self, message):
        with self.lock:
            self.socket.sendall((json.dumps(message) + '\n').encode())

    def receive(self, seconds=None):
        """The next message; None when none arrives in time. Raises EOFError at the end."""
        while b'\n' not in self.buffer:
            if not select.select([self.socket], [], [], seconds)[0]:
                return None
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return json.loads(line)


def load_custom(path):
    """The names that a user's file defines."""
    names = {'__file__': path, '__name__': 'custom'}
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    with open(path, encoding='utf-8') as file:
        exec(compile(file.read(), path, 'exec'), names)  # pylint: disable=exec-used
    return names


def build(spec):
    custom = load_custom(spec['custom']) if spec.get('custom') else {}
    topos = {**fpisa_topo.topos, **custom.get('topos', {})}
    switches = {**fpisa_topo.switches, **custom.get('switches', {})}
    name = spec['topo'].split(',')[0]
    if name not in topos:
        raise fpisa_links.TopologyError('there is no topology "%s" (topologies: %s)' % (name, ', '.join(sorted(topos))))
    links = {key: spec[key] for key in ('loss', 'delay', 'bw') if spec.get(key) is not None}
    topo_class = topos[name]
    if isinstance(topo_class, type) and issubclass(topo_class, fpisa_topo.AggregationTopo):
        topo_class = specialClass(topo_class, defaults=links)
    topo = buildTopo({name: topo_class}, spec['topo'])
    if not isinstance(topo, Topo) or not any(topo.nodeInfo(host).get('cls') is fpisa_nodes.WorkerHost for host in topo.hosts()):
        raise fpisa_links.TopologyError('topology "%s" has no workers: add each with addWorker of AggregationTopo' % name)
    return Mininet(topo=topo, switch=specialClass(switches[spec['switch']], defaults={'logs': spec['logs']}), controller=None, build=False)


class Prompt(CLI):
    """Mininet's prompt, with a command that runs a verified allreduce on all hosts."""

    def __init__(self, net, channel, reduced):
        self.channel = channel
        self.reduced = reduced
        super().__init__(net)

    def do_allreduce(self, _line):
        """allreduce: reduce the gradients on all hosts, and verify the sums."""
        self.reduced.clear()
        self.channel.send({'event': 'allreduce'})
        self.reduced.wait()


def prompt(net, channel):
    """Stays at the prompt until it is left."""
    reduced = threading.Event()

    def listen():
        try:
            while True:
                message = channel.receive()
                if message.get('reduced'):
                    reduced.set()
                elif message.get('stop'):
                    raise EOFError
        except EOFError:
            # The prompt blocks on the terminal, where only a signal reaches it.
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    setLogLevel('info')
    Prompt(net, channel, reduced)
    # From here on the network is taken down in order.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    setLogLevel('error')
    channel.send({'event': 'left'})


def serve(net, channel):
    """Carries out commands until told to stop, and reports when a switch dies."""
    mourned = set()
    while True:
        for switch in fpisa_topo.aggregators_of(net):
            if switch.died() and switch.process not in mourned:
                mourned.add(switch.process)
                channel.send({'event': 'died', 'error': switch.obituary()})
        message = channel.receive(WATCH_SECONDS)
        if message is None:
            continue
        if message.get('stop'):
            return
        try:
            carry_out(net, message)
        except fpisa_links.TopologyError as error:
            channel.send({'event': 'failed', 'error': str(error)})
        else:
            channel.send({'event': 'done', 'command': message})


def carry_out(net, message):
    (verb, name), = message.items()
    names = [switch.name for switch in fpisa_topo.aggregators_of(net)]
    if verb not in ('kill', 'start', 'restart') or name not in names:
        raise fpisa_links.TopologyError('"%s" of "%s" is not possible: kill, start or restart one of %s' % (verb, name, ', '.join(names)))
    switch = net.get(name)
    if verb != 'start':
        switch.kill()
    if verb != 'kill':
        switch.start([])


def main():
    channel = Channel(CHANNEL)
    net = None
    try:
        spec = channel.receive()
        setLogLevel('error')
        net = build(spec)
        net.build()
        for switch in net.switches:
            switch.start([])
        channel.send({
            'event': 'started',
            'switches': fpisa_topo.switch_configs(net, spec['values']),
            'workers': fpisa_topo.worker_places(net),
            'netem': fpisa_links.has_netem(),
        })
        if spec['cli']:
            # The controller is started and the job created before the prompt opens.
            if channel.receive().get('stop'):
                return
            prompt(net, channel)
        else:
            serve(net, channel)
    except EOFError:
        pass
    except Exception as error:  # pylint: disable=broad-except
        channel.send({'event': 'failed', 'error': str(error) or type(error).__name__})
        sys.exit(1)
    finally:
        if net is not None:
            net.stop()


if __name__ == '__main__':
    main()
