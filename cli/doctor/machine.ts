/** What `fpisa doctor` finds about the machine that it runs on, which need not be a worker's. */
import { openUdp, type Transport } from '../../host/index.js';
import type { Finding } from './finding.js';

/** For 64 packets of the largest build, which are what the kernel takes as one message, with its bookkeeping. */
const ENOUGH_BYTES = 1.5 * 1024 * 1024;

export interface Machine {
  /** The way that packets of a worker here take, and why not a faster one. */
  readonly transport: string;
  readonly findings: readonly Finding[];
}

export async function diagnoseMachine(): Promise<Machine> {
  const transport = await openUdp({ ip: '127.0.0.1' });
  const { description } = transport;
  await transport.close();
  return { transport: description, findings: findingsOf(transport) };
}

export function findingsOf({ description, bufferBytes }: Pick<Transport, 'description' | 'bufferBytes'>): Finding[] {
  const findings: Finding[] = [];
  const note = (finding: string, remedy: string): void =>
    void findings.push({ level: 'note', subject: 'this machine', finding, remedy });
  if (!description.startsWith('batches') || description.includes('without'))
    note(
      `packets of workers here go by ${description}`,
      'none needed; it takes more processor time than batches with UDP_SEGMENT and UDP_GRO',
    );
  if (bufferBytes !== undefined && bufferBytes < ENOUGH_BYTES)
    note(
      `the kernel grants a worker here buffers of ${Math.round(bufferBytes / 1024)} KiB, which hold few packets of 2,048 values: fewer are in flight`,
      'as root: sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304',
    );
  return findings;
}
