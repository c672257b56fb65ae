/** Two clients at one switch, and clients over TLS. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { P4RuntimeServer } from '../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../emulator/p4runtime/switch-device.js';
import { onEnd } from '../cli/support/command.js';
import { bmv2Version } from '../differential/bmv2/process.js';
import { startBmv2 } from './support/bmv2.js';
import { makeCertificates, openssl, type Certificates } from './support/certificates.js';
import { finsy, ROOT, shell } from './support/clients.js';
import { startEmulator } from './support/emulator.js';
import { Script, type TlsFiles } from './support/script.js';
import { DEVICE_ID, type Server } from './support/target.js';

const fixtures = join(ROOT, 'test/emulator/p4runtime/fixtures');
const features = { p4info: join(fixtures, 'features.p4info.txtpb'), program: join(fixtures, 'features.json') };
const noBmv2 = bmv2Version() === undefined ? ' (skipped: there is no simple_switch_grpc on the path)' : '';
const noClients = shell.missing || finsy.missing;
const noOpenssl = openssl ? '' : ' (skipped: there is no openssl on the path)';

/** The specification leaves it to the controllers to become primary; BMv2 promotes the best backup by itself. */
const servers = [
  ['fpisa switch', '', startEmulator, false],
  ['BMv2', noBmv2, startBmv2, true],
] as const;

describe.each(servers)('two clients at %s', (_, missing, start, promotes) => {
  const skipped = noClients || missing;

  it.skipIf(skipped !== '')(
    `p4runtime-shell may only read beside a primary with a larger election id${skipped}`,
    async () => {
      const target = await start();
      const primary = new Script(finsy, 'finsy_session.py', target, { ...features, electionId: 10 });
      await primary.paused('connected');
      const backup = new Script(shell, 'shell_session.py', target, { electionId: 9, primaryLater: promotes });
      await backup.paused('connected');
      expect(backup.checks).toMatchObject({
        said: 'You are not the primary client, you only have read access to the server',
        write: expect.stringMatching(/^PERMISSION_DENIED: /) as string,
        read: [expect.stringContaining('Ingress_.drop')],
      });
      primary.resume();
      await primary.paused('done');
      primary.resume();
      expect(await primary.done).toMatchObject({
        primary: [true, 10],
        write: null,
        'primary later': true,
        'write later': null,
      });
      backup.resume();
      expect(await backup.done).toMatchObject({
        'write later': promotes ? null : (expect.stringMatching(/^PERMISSION_DENIED: /) as string),
      });
    },
  );

  it.skipIf(skipped !== '')(`finsy takes over when the primary goes${skipped}`, async () => {
    const target = await start();
    const primary = new Script(shell, 'shell_session.py', target, { ...features, electionId: 11 });
    await primary.paused('connected');
    const backup = new Script(finsy, 'finsy_session.py', target, { electionId: 10, primaryLater: true });
    await backup.paused('connected');
    expect(backup.checks).toMatchObject({
      primary: [false, 11],
      write: expect.stringMatching(/^PERMISSION_DENIED: /) as string,
      read: [expect.stringContaining('drop')],
    });
    primary.resume();
    await primary.done;
    backup.resume();
    await backup.paused('done');
    expect(backup.checks).toMatchObject({ 'primary later': true, 'write later': null });
    backup.resume();
    await backup.done;
  });

  it.skipIf(skipped !== '')(
    `a newcomer with a larger election id becomes primary, and the first one is told${skipped}`,
    async () => {
      const target = await start();
      const first = new Script(finsy, 'finsy_session.py', target, { ...features, electionId: 10, primaryLater: false });
      await first.paused('connected');
      const second = new Script(shell, 'shell_session.py', target, { electionId: 11 });
      await second.paused('connected');
      // The entry is there already.
      expect(second.checks).toMatchObject({ said: '', write: expect.stringContaining('ALREADY_EXISTS') as string });
      first.resume();
      await first.paused('done');
      expect(first.checks).toMatchObject({
        'primary later': false,
        'write later': expect.stringMatching(/^PERMISSION_DENIED: /) as string,
      });
      second.resume();
      expect(await second.done).toMatchObject({ 'write later': null });
      first.resume();
      await first.done;
    },
  );
});

describe('over TLS', () => {
  let certificates: Certificates;
  beforeAll(() => {
    if (openssl) certificates = makeCertificates();
  });

  const emulator = async (mutual: boolean): Promise<Server> => {
    const server = new P4RuntimeServer(new SwitchDevice(), { deviceId: BigInt(DEVICE_ID) });
    onEnd(() => server.close());
    const pair = {
      private_key: readFileSync(certificates.server.key),
      cert_chain: readFileSync(certificates.server.certificate),
    };
    const port = await server.listen(
      '127.0.0.1:0',
      ServerCredentials.createSsl(mutual ? readFileSync(certificates.ca) : null, [pair], mutual),
    );
    return { address: `127.0.0.1:${port}`, deviceId: DEVICE_ID };
  };
  const bmv2 = (mutual: boolean): Promise<Server> =>
    startBmv2({ ...certificates.server, ...(mutual && { ca: certificates.ca }) });

  describe.each([
    ['the P4Runtime server', '', emulator],
    ['BMv2', noBmv2, bmv2],
  ] as const)('%s', (_, missing, start) => {
    const skipped = noClients || noOpenssl || missing;

    it.skipIf(skipped !== '')(`serves both clients that trust its authority${skipped}`, async () => {
      const target = await start(false);
      const tls = { ca: certificates.ca };
      await session(target, tls);
      await expect(
        new Script(shell, 'shell_session.py', target, { electionId: 3, tls: { ca: certificates.stranger.certificate } })
          .done,
      ).rejects.toThrow('Failed to establish session');
      await expect(new Script(shell, 'shell_session.py', target, { electionId: 3 }).done).rejects.toThrow(
        'Failed to establish session',
      );
    });

    it.skipIf(skipped !== '')(
      `serves both clients when it asks for certificates, and none without a good one${skipped}`,
      async () => {
        const target = await start(true);
        const tls = { ca: certificates.ca, ...certificates.client };
        await session(target, tls);
        for (const refused of [{ ca: certificates.ca }, { ca: certificates.ca, ...certificates.stranger }]) {
          await expect(
            new Script(shell, 'shell_session.py', target, { electionId: 3, tls: refused }).done,
          ).rejects.toThrow('Failed to establish session');
        }
      },
    );
  });

  /** Each of the clients is the only one for a time. */
  async function session(target: Server, tls: TlsFiles): Promise<void> {
    const first = new Script(finsy, 'finsy_session.py', target, { ...features, electionId: 10, tls });
    await first.paused('connected');
    first.resume();
    await first.paused('done');
    first.resume();
    expect(await first.done).toMatchObject({ primary: [true, 10], write: null, 'write later': null });
    const second = new Script(shell, 'shell_session.py', target, { electionId: 11, tls });
    await second.paused('connected');
    second.resume();
    expect(await second.done).toMatchObject({ said: '', 'write later': null });
  }
});
