"""A custom topology: racks of workers under a core switch, one of them at the end of a slow, lossy line.

    sudo fpisa mininet --custom examples/mininet/racks.py --topo racks
    sudo fpisa mininet --custom examples/mininet/racks.py --topo racks,racks=3,size=2
"""

from fpisa_topo import AggregationTopo


class RacksTopo(AggregationTopo):
    """Each rack's switch adds what its workers send, and the core adds what the racks send."""

    def build(self, racks=2, size=2, slow=10, loss=1):
        core = self.addAggregator('s1')
        for rack in range(racks):
            switch = self.addAggregator('s%d' % (rack + 2))
            for _ in range(size):
                self.addWorker(switch)
            line = {'bw': slow, 'loss': loss} if rack == racks - 1 else {}
            self.connect(switch, core, **line)


topos = {'racks': RacksTopo}
