/** A P4Runtime client of a fake switch, closed when its test ends. */
import type { ClientOptions } from '../../controlplane/p4runtime/client-options.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import type { FakeSwitch } from './fake-switch.helpers.js';
import { onEnd } from './site.helpers.js';

export function client(fake: FakeSwitch, options: Partial<ClientOptions> = {}): P4RuntimeClient {
  const made = new P4RuntimeClient({
    address: fake.address,
    deviceId: 1,
    reconnectMs: { first: 5, most: 20 },
    ...options,
  });
  onEnd(() => made.close());
  return made;
}
