/** How many Reads run at a time: each keeps a message of up to 1 MiB, and what has changed since it began. */
import { Code } from '../../p4runtime/index.js';
import { connectionOf } from './connection.js';
import { RpcError } from './rpc-error.js';

export interface ReadLimits {
  /** Of one connection. */
  readonly perClient: number;
  /** Of all connections. */
  readonly inAll: number;
}

export const READ_LIMITS: ReadLimits = { perClient: 64, inAll: 512 };

export class ReadLimit {
  private readonly running = new Map<unknown, number>();
  private inAll = 0;

  constructor(private readonly limits: ReadLimits) {}

  /**
   * @param call of a handler of grpc-js
   * @returns the function to call once when the Read has ended
   * @throws RpcError RESOURCE_EXHAUSTED
   */
  begin(call: object): () => void {
    const client = connectionOf(call);
    const { perClient, inAll } = this.limits;
    const count = this.running.get(client) ?? 0;
    if (count >= perClient) {
      throw exhausted(`This client has ${count} Reads that have not ended, which is the limit.`);
    }
    if (this.inAll >= inAll) {
      throw exhausted(`The switch has ${this.inAll} Reads that have not ended, of all clients, which is the limit.`);
    }
    this.running.set(client, count + 1);
    this.inAll++;
    return () => {
      this.inAll--;
      const left = this.running.get(client)! - 1;
      if (left > 0) this.running.set(client, left);
      else this.running.delete(client);
    };
  }
}

function exhausted(text: string): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, `${text} Take what they return, or cancel them, and try again.`);
}
