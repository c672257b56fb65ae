/** Four workers reduce a tensor through a switch; switch and controller are also in this process. */
import { Controller, ControllerClient, ControllerServer, MemoryStore } from 'fpisa/controlplane';
import { P4RuntimeServer, PortRunner, SwitchDevice, UdpPort } from 'fpisa/emulator';
import { Worker } from 'fpisa/host';
import { DEFAULT_SERVICE_IP, DEFAULT_SERVICE_MAC, SERVICE_UDP_PORT } from 'fpisa/protocol';

const WORKERS = 4;
const ELEMENTS = 10_000;

// The switch: a device, its P4Runtime server, and a UDP port on this machine for each worker.
const device = new SwitchDevice();
const p4runtime = new P4RuntimeServer(device, { deviceId: 1n });
const runner = new PortRunner(device);
device.onOutput((output) => runner.emit(output));
const ports: Record<number, string> = {};
for (let number = 1; number <= WORKERS; number++) {
  const service = { mac: DEFAULT_SERVICE_MAC, address: DEFAULT_SERVICE_IP, udpPort: SERVICE_UDP_PORT };
  const port = new UdpPort({ number, bindPort: 0, service });
  await runner.attach(port);
  ports[number] = `${port.address.address}:${port.address.port}`;
}
const switchPort = await p4runtime.listen('127.0.0.1:0');

// The controller, which loads the P4 program into the switch, and a job in it.
const controller = new Controller({
  store: new MemoryStore(),
  switches: [
    {
      name: 's1',
      address: `127.0.0.1:${switchPort}`,
      deviceId: 1,
      serviceIp: DEFAULT_SERVICE_IP,
      serviceMac: DEFAULT_SERVICE_MAC,
      serviceUdpPort: SERVICE_UDP_PORT,
      ports,
      valuesPerPacket: 64,
    },
  ],
});
const server = new ControllerServer(controller);
const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
const client = new ControllerClient(address);
await client.createJob({ name: 'example', workers: WORKERS });

// The workers: each has a tensor, and afterwards all have the mean.
const sums = await Promise.all(
  Array.from({ length: WORKERS }, async (_, rank) => {
    const worker = await Worker.join({ controller: address, job: 'example', rank });
    const tensor = Float32Array.from({ length: ELEMENTS }, (_, i) => (rank + 1) * i);
    await worker.allreduce(tensor, { op: 'mean' });
    await worker.leave();
    return tensor;
  }),
);
console.log(`${WORKERS} workers reduced ${ELEMENTS} elements; the first are ${sums[0]!.slice(0, 4).join(', ')}`);

client.close();
await server.close();
await runner.close();
await p4runtime.close();
