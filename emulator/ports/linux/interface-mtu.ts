import { mtuOf } from './interfaces.js';
import { requireLibc } from './require-libc.js';

/** Longest payload of a frame that the interface of a port carries now, in bytes. @throws if this machine cannot have such ports */
export async function interfaceMtu(name: string): Promise<number> {
  return mtuOf(await requireLibc(), name);
}
