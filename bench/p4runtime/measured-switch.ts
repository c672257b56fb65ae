/** A switch as a process, a controller that writes and reads encoded messages, and what can be seen of the switch. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Client, credentials, type ClientReadableStream } from '@grpc/grpc-js';
import {
  codec,
  P4RuntimeServiceClient,
  parseP4Info,
  toUint128,
  unary,
  type Entity,
  type Init,
  type P4RuntimeStub,
  type ReadRequest,
  type StreamMessageResponse,
  type UpdateType,
  type WriteRequest,
} from '../../p4runtime/index.js';
import { cpuSeconds } from '../process-time.js';
import { shippedFile } from '../../net/package-files.js';

const ELECTION_ID = toUint128(1n);
const writes = codec<WriteRequest>('p4.v1.WriteRequest');
const reads = codec<ReadRequest>('p4.v1.ReadRequest');

/** The client encodes before the time is taken, and does not decode what it reads: the server is measured. */
const asIs = (bytes: Buffer): Buffer => bytes;

export class MeasuredSwitch {
  private constructor(
    private readonly child: ChildProcess,
    readonly address: string,
    readonly udpPort: number,
    private readonly raw: Client,
    readonly stub: P4RuntimeStub,
  ) {}

  /** @param command path of the `fpisa` command's script */
  static async start(command: string, nodeOptions: readonly string[] = []): Promise<MeasuredSwitch> {
    const args = [...nodeOptions, command, 'switch', '--json', '--p4runtime', '127.0.0.1:0', '--ports', '2'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout! }).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`the switch ended with code ${code}`)));
    });
    const { p4runtime, ports } = JSON.parse(line) as { p4runtime: string; ports: Record<string, string> };
    const options = { 'grpc.max_receive_message_length': -1 };
    const site = new MeasuredSwitch(
      child,
      p4runtime,
      Number(ports['1']!.split(':')[1]),
      new Client(p4runtime, credentials.createInsecure(), options),
      new P4RuntimeServiceClient(p4runtime, credentials.createInsecure(), options),
    );
    await site.arbitrate();
    await site.setPipeline();
    return site;
  }

  private async arbitrate(): Promise<void> {
    const stream = this.stub.StreamChannel();
    stream.on('error', () => {});
    stream.write({ arbitration: { deviceId: 0n, electionId: ELECTION_ID } });
    await new Promise<StreamMessageResponse>((resolve) => stream.once('data', resolve));
  }

  /** Replaces the program, and so empties its tables. */
  async setPipeline(): Promise<void> {
    const p4info = parseP4Info(readFileSync(shippedFile('bench/p4/tables.p4info.txtpb'), 'utf8'));
    await unary(this.stub, 'SetForwardingPipelineConfig', {
      deviceId: 0n,
      electionId: ELECTION_ID,
      action: 'VERIFY_AND_COMMIT',
      config: { p4info, p4DeviceConfig: readFileSync(shippedFile('bench/p4/tables.json')) },
    });
  }

  static encodeWrite(updates: readonly (readonly [UpdateType, Init<Entity>])[]): Buffer {
    return Buffer.from(
      writes.encode({
        deviceId: 0n,
        electionId: ELECTION_ID,
        updates: updates.map(([type, entity]) => ({ type, entity })),
      }),
    );
  }

  write(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) =>
      this.raw.makeUnaryRequest('/p4.v1.P4Runtime/Write', asIs, asIs, request, (error) =>
        error ? reject(error) : resolve(),
      ),
    );
  }

  /** A Read whose messages stay encoded. */
  openRead(...entities: Init<Entity>[]): ClientReadableStream<Buffer> {
    const request = Buffer.from(reads.encode({ deviceId: 0n, entities }));
    return this.raw.makeServerStreamRequest('/p4.v1.P4Runtime/Read', asIs, asIs, request);
  }

  /** @returns milliseconds to the first message and to the end, and the size of the largest message in bytes */
  async read(...entities: Init<Entity>[]): Promise<{ first: number; all: number; largest: number; bytes: number }> {
    const start = performance.now();
    let [first, largest, bytes] = [0, 0, 0];
    const call = this.openRead(...entities);
    call.on('data', (message: Buffer) => {
      first ||= performance.now() - start;
      largest = Math.max(largest, message.length);
      bytes += message.length;
    });
    await new Promise((resolve, reject) => call.once('end', resolve).once('error', reject));
    return { first, all: performance.now() - start, largest, bytes };
  }

  /** Resident memory in MiB. */
  memory(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  /** Of all its threads, since its start. */
  processorSeconds(): number {
    return cpuSeconds(this.child.pid!);
  }

  isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.raw.close();
    this.stub.close();
    if (!this.isAlive()) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
