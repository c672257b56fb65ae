/** A directory as p4c's Tofino back end leaves it, small and made up, with the P4Info of this project's program. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { indexP4Info } from '../../../p4runtime/p4info-file.js';
import { onEnd } from '../site.helpers.js';

/** Not UTF-8, and with zeros: what a binary may hold and text may not. */
export const BINARY = Uint8Array.from(
  Buffer.concat([Buffer.of(0, 0xff, 0xfe, 0x0a, 0, 0x80), Buffer.from('run_id\x001f1005b72fd04619\0')]),
);
export const CONTEXT = JSON.stringify({ program_name: 'fpisa', target: 'tofino', run_id: '1f1005b72fd04619' });

/** The P4Info of the v1model build, as it would be for TNA, without the objects (`table fpisa.parent`) and parameters named. */
export function tnaP4Info(without: readonly string[] = []): string {
  const text = readFileSync(new URL('../../../p4/build/fpisa-n16.p4info.txtpb', import.meta.url), 'utf8').replace(
    'arch: "v1model"',
    'arch: "tna"',
  );
  const named = (block: string): string => `${/^ *(\w+?)s? \{/.exec(block)![1]!} ${/name: "([^"]*)"/.exec(block)![1]!}`;
  const drop = (block: string): string => (without.includes(named(block)) ? '' : block);
  return text.replace(/^ {2}params \{[^}]*\n {2}\}\n/gm, drop).replace(/^(tables|counters) \{[\s\S]*?^\}\n/gm, drop);
}

/** The P4Info with a second counter of events, which TNA needs for packets with two. */
export function withCompletions(p4info: string): string {
  const events = /^counters \{(?:(?!^\}$)[\s\S])*?name: "fpisa\.events"[\s\S]*?^\}\n/m.exec(p4info)![0];
  return p4info.replace(
    events,
    events +
      events.replaceAll('events', 'completions').replace(/id: (\d+)/, (_, id: string) => `id: ${Number(id) + 1}`),
  );
}

/** The list of bfrt.json: names have the pipe's before them, and ids of counters differ from those of P4Info. */
export function bfrtOf(p4info: string): string {
  const { tables, counters, registers } = indexP4Info(p4info);
  const list = [
    ...tables.items.map(({ id, name }) => ({ id, name: `pipe.${name}` })),
    ...[...counters.items, ...registers.items].map(({ id, name }) => ({ id: id ^ 0x0700_0000, name: `pipe.${name}` })),
  ];
  return JSON.stringify({ schema_version: '1.0.0', tables: list });
}

export interface Directory {
  readonly path: string;
  remove(file: string): void;
  write(file: string, contents: string | Uint8Array): void;
}

export const CONF = {
  chip_list: [{ chip_family: 'tofino', instance: 0 }],
  p4_devices: [
    {
      'device-id': 0,
      p4_programs: [
        {
          'program-name': 'fpisa',
          // Where the compiler ran; the folder no longer exists.
          'bfrt-config': 'gone/bfrt.json',
          p4_pipelines: [
            {
              p4_pipeline_name: 'pipe',
              context: 'gone/pipe/context.json',
              config: 'gone/pipe/tofino.bin',
              pipe_scope: [0, 1, 2, 3],
              path: 'gone',
            },
          ],
        },
      ],
    },
  ],
};

export function buildDirectory(p4info = tnaP4Info()): Directory {
  const path = mkdtempSync(join(tmpdir(), 'fpisa-tofino-'));
  onEnd(() => rmSync(path, { recursive: true, force: true }));
  const directory: Directory = {
    path,
    remove: (file) => rmSync(join(path, file)),
    write: (file, contents) => {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), contents);
    },
  };
  directory.write('fpisa.conf', JSON.stringify(CONF));
  directory.write('fpisa.p4info.txtpb', p4info);
  directory.write('bfrt.json', bfrtOf(p4info));
  directory.write('pipe/context.json', CONTEXT);
  directory.write('pipe/tofino.bin', BINARY);
  return directory;
}
