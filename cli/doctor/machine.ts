/** What `fpisa doctor` finds about the machine that it runs on, which need not be a worker's. */
import { openUdp } from '../../host/index.js';
import type { Finding } from './finding.js';

export interface Machine {
  /** The way that packets of a worker here take, and why not a faster one. */
  readonly transport: string;
  readonly findings: readonly Finding[];
}

export async function diagnoseMachine(): Promise<Machine> {
  const transport = await openUdp({ ip: '127.0.0.1' });
  const { description } = transport;
  await transport.close();
  return { transport: description, findings: findingsOf(description) };
}

/** @param description of a transport */
export function findingsOf(description: string): Finding[] {
  const isSlow = !description.startsWith('batches') || description.includes('without');
  if (!isSlow) return [];
  return [
    {
      level: 'note',
      subject: 'this machine',
      finding: `packets of workers here go by ${description}`,
      remedy: 'none needed; it takes more processor time than batches with UDP_SEGMENT and UDP_GRO',
    },
  ];
}
