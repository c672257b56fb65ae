/** Cases of hashes, and the calculations that they name. */
import { createHash, HASH_ALGORITHMS } from '../../../../emulator/externs/hash.js';
import { field, hex, header, run } from './elements.js';
import type { CaseWithoutCode } from './elements.js';

/** Of every algorithm over a, b and two constant bytes: the result of our own implementation, which is compared with simple_switch's. */
const HASHES: readonly CaseWithoutCode[] = HASH_ALGORITHMS.map((algorithm) => {
  const input = '31323334 f5f6f7f8';
  const hash = createHash(algorithm)(Uint8Array.from(Buffer.from(`${input.replace(' ', '')}a5c3`, 'hex')));
  return {
    name: `hash ${algorithm}`,
    primitives: [
      run(
        'modify_field_with_hash_based_offset',
        field('r'),
        hex(0),
        { type: 'calculation', value: `by_${algorithm}` },
        hex(2 ** 32),
      ),
    ],
    input: `${input} 00000000`,
    output: `${input} ${BigInt.asUintN(32, hash).toString(16).padStart(8, '0')}`,
  };
});

/** The Internet checksum over a header that is valid, one that is not, and the payload. */
const INPUTS: readonly CaseWithoutCode[] = [
  {
    name: 'hash of headers and payload',
    primitives: [
      run('add_header', header('x1')),
      run('assign', field('v', 'x1'), hex(0x12)),
      run(
        'modify_field_with_hash_based_offset',
        field('r'),
        hex(0),
        { type: 'calculation', value: 'of_headers' },
        hex(2 ** 32),
      ),
    ],
    input: '00000000 00000000 00000000 34 5678',
    output: `00000000 00000000 0000${(~(0x1234 + 0x5678) & 0xffff).toString(16)} 12 34 5678`,
  },
];

/** One for each algorithm, and one over what is no field. */
export const CALCULATIONS = [
  ...HASH_ALGORITHMS.map((algorithm) => ({
    name: `by_${algorithm}`,
    algo: algorithm,
    input: [field('a'), field('b'), { type: 'hexstr', value: '0xa5c3', bitwidth: 16 }],
  })),
  {
    name: 'of_headers',
    algo: 'csum16',
    input: [
      { type: 'header', value: 'x1' },
      { type: 'header', value: 'x2' },
      { type: 'payload', value: null },
    ],
  },
].map((calculation, id) => ({ ...calculation, id }));

export const HASH_CASES: readonly CaseWithoutCode[] = [...HASHES, ...INPUTS];
