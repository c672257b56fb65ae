/** Operations of BMv2's JSON that p4c seldom writes: what the emulator's tests expect of them is what simple_switch does. */
import { credentials } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { makePipeline, P4RuntimeClient } from '../../controlplane/p4runtime/index.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import { JSON_CASES, jsonOpsProgram, outputOf, packetOf, type JsonCase } from '../emulator/support/json-ops/program.js';
import { hex } from '../emulator/support/programs.js';
import { DataplaneClient, type DataplanePacket } from './bmv2/dataplane.js';
import { Bmv2Process, bmv2Version } from './bmv2/process.js';
import { CPU_PORT } from './scenario.js';

const DEVICE_ID = 1;
const missing = bmv2Version() === undefined;

it.skipIf(missing)(
  `operations of the JSON on BMv2${missing ? ' (skipped: simple_switch_grpc is not on PATH)' : ''}`,
  { timeout: 300_000 },
  async () => {
    const process = new Bmv2Process(DEVICE_ID, CPU_PORT);
    const client = new P4RuntimeClient({ address: process.p4runtimeAddress, deviceId: DEVICE_ID, electionId: 1n });
    const dataplane = new DataplaneClient(process.dataplaneAddress, credentials.createInsecure());
    try {
      await client.connect({ timeoutMs: 20_000 });
      await client.setPipeline(
        makePipeline('json-ops', parseP4Info('pkg_info { arch: "v1model" }'), Buffer.from(jsonOpsProgram())),
      );
      const run = (each: JsonCase): Promise<string[]> =>
        new Promise<string[]>((resolve, reject) => {
          const received: string[] = [];
          const stream = dataplane.PacketStream({ deadline: Date.now() + 20_000 });
          stream.on('data', ({ packet }: DataplanePacket) => received.push(hex(packet)));
          stream.on('error', (error) => reject(new Error(`${each.name}: ${error.message}\n${process.lastWords()}`)));
          stream.on('end', () => resolve(received));
          stream.write({ id: 1, deviceId: DEVICE_ID, port: 3, packet: packetOf(each) });
          stream.end();
        });
      for (const each of JSON_CASES.filter(({ endsBmv2 }) => !endsBmv2))
        expect(await run(each), each.name).toEqual(outputOf(each));
      // The last one that this process can be asked.
      const [fatal] = JSON_CASES.filter(({ endsBmv2 }) => endsBmv2);
      await expect(run(fatal!)).rejects.toThrow(/UNAVAILABLE/);
    } finally {
      dataplane.close();
      client.close();
      await process.stop();
    }
  },
);
