/** Packets for each of the programs: those that it is for, of every kind, and some that it is not for. */
import { SeededRandom } from '../random.js';
import type { Packet } from '../scenario.js';

const COUNT = 60;
const CPU_PORT = 510;
const TYPE_IPV4 = '0800';
const TYPE_TUNNEL = '1212';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const ip = (a: number, b: number): string => `0a00${hex(a, 2)}${hex(b, 2)}`;

class Packets {
  constructor(private readonly random: SeededRandom) {}

  pick<T>(items: readonly T[]): T {
    return this.random.pick(items);
  }

  number(digits: number): string {
    return Buffer.from(this.random.bytes(digits / 2)).toString('hex');
  }

  ethernet(type: string, dst = '080000000100'): string {
    return `${dst}0800000001${hex(this.pick([1, 2, 3]), 2)}${type}`;
  }

  address(): string {
    const n = this.pick([1, 2, 3]);
    return this.pick([ip(n, n), ip(2, 77), ip(9, 1), ip(200, 1)]);
  }

  ipv4(dst = this.address(), protocol = this.pick([1, 6, 17]), options = ''): string {
    const ihl = 5 + options.length / 8;
    const ecn = this.pick([0, 1, 2, 3]);
    const ttl = this.pick([0, 1, 64, 255]);
    return `4${hex(ihl, 1)}${hex(ecn, 2)}002c${this.number(4)}0000${hex(ttl, 2)}${hex(protocol, 2)}0000${ip(1, 1)}${dst}${options}`;
  }

  tcp(source: number, destination: number, flags: number): string {
    return `${hex(source, 4)}${hex(destination, 4)}${this.number(16)}50${hex(flags, 2)}200000000000`;
  }

  payload(): string {
    return this.number(2 * this.pick([0, 4, 11, 40]));
  }
}

/** A port, and the packet in hexadecimal. */
type Plan = (p: Packets) => [number, string];

const other = (p: Packets): string => `${p.ethernet('86dd')}${p.payload()}`;
const plain: Plan = (p) => [
  p.pick([1, 2, 3]),
  p.pick([
    `${p.ethernet(TYPE_IPV4)}${p.ipv4()}${p.payload()}`,
    `${p.ethernet(TYPE_IPV4)}${p.ipv4()}${p.payload()}`,
    other(p),
  ]),
];

const tunnel =
  (ids: readonly number[]): Plan =>
  (p) => {
    const header = `${p.pick([TYPE_IPV4, '0806'])}${hex(p.pick(ids), 4)}`;
    return p.pick([true, false])
      ? [p.pick([1, 2, 3]), `${p.ethernet(TYPE_TUNNEL)}${header}${p.ipv4()}${p.payload()}`]
      : [1, `${p.ethernet(TYPE_IPV4)}${p.ipv4(p.pick([ip(1, 1), ip(2, 2), ip(7, 3), ip(8, 8)]))}${p.payload()}`];
  };

const PLANS: Readonly<Record<string, Plan>> = {
  basic: plain,
  basic_tunnel: tunnel([1, 2, 3, 9]),
  calc: (p) => {
    const op = p.pick(['2b', '2d', '26', '7c', '5e', '2a']);
    const start = p.pick(['503401', '503401', '503401', '503402']);
    return [
      p.pick([1, 2]),
      `${p.ethernet(p.pick(['1234', '1234', TYPE_IPV4]))}${start}${op}${p.number(24)}${p.payload()}`,
    ];
  },
  ecn: plain,
  firewall: (p) => {
    const [inside, flags] = [p.pick([1, 2]), p.pick([2, 16, 18])];
    const isOut = p.pick([true, false]);
    const [source, destination] = [inside * 1000 + p.pick([1, 2, 3]), 80];
    // What comes in is for an address inside, with the fields of a connection that may have been opened.
    const ipv4 = p.ipv4(isOut ? ip(3, 3) : ip(inside, inside), 6);
    const addresses = isOut ? ipv4 : `${ipv4.slice(0, 24)}${ip(3, 3)}${ipv4.slice(32)}`;
    const out = isOut ? `${addresses.slice(0, 24)}${ip(inside, inside)}${addresses.slice(32)}` : addresses;
    const tcp = isOut ? p.tcp(source, destination, flags) : p.tcp(destination, source, flags);
    return [isOut ? inside : 3, `${p.ethernet(TYPE_IPV4)}${out}${tcp}${p.payload()}`];
  },
  flowcache: (p) => {
    const packet = `${p.ethernet(TYPE_IPV4)}${p.ipv4(p.pick([ip(2, 2), ip(3, 3), ip(4, 4)]))}${p.payload()}`;
    const port = p.pick([1, 2, 3]);
    return p.pick([0, 1, 2, 3]) === 0 ? [CPU_PORT, `${hex(port << 7, 4)}${packet}`] : [port, packet];
  },
  link_monitor: (p) => {
    if (p.pick([true, false])) return plain(p);
    const hops = p.pick([0, 1, 3]);
    const data = Array.from({ length: hops }, (_, i) => `${i === hops - 1 ? '82' : '03'}${p.number(10)}`).join('');
    const path = Array.from({ length: hops + 2 }, () => hex(p.pick([1, 2, 3, 4]), 2)).join('');
    return [1, `${p.ethernet('0812')}${hex(hops, 2)}${data}${path}${p.payload()}`];
  },
  load_balance: (p) => {
    const tcp = p.tcp(p.pick([1001, 1002, 1003, 1004, 1005, 1006, 1007]), p.pick([80, 443]), 2);
    const dst = p.pick([ip(0, 1), ip(0, 1), ip(0, 1), ip(5, 5)]);
    return [1, `${p.ethernet(TYPE_IPV4)}${p.ipv4(dst, p.pick([6, 6, 6, 17]))}${tcp}${p.payload()}`];
  },
  mri: (p) => {
    const count = p.pick([0, 0, 1, 4]);
    const option = `1f${hex(4 + 8 * count, 2)}${hex(count, 4)}${p.number(16).repeat(count)}`;
    return p.pick([true, true, false])
      ? [1, `${p.ethernet(TYPE_IPV4)}${p.ipv4(p.address(), 17, option)}${p.payload()}`]
      : plain(p);
  },
  multicast: (p) => {
    const dst = p.pick(['080000000111', '080000000222', '080000000999', '080000000777', 'ffffffffffff']);
    return [p.pick([1, 2, 3, 4]), `${p.ethernet(TYPE_IPV4, dst)}${p.payload()}`];
  },
  p4runtime: tunnel([100, 200, 300]),
  qos: plain,
  source_routing: (p) => {
    const hops = p.pick([1, 2, 4]);
    const list = Array.from({ length: hops }, (_, i) => hex((i === hops - 1 ? 0x8000 : 0) + p.pick([1, 2, 3]), 4)).join(
      '',
    );
    return p.pick([true, true, true, false]) ? [1, `${p.ethernet('1234')}${list}${p.ipv4()}${p.payload()}`] : plain(p);
  },
};

export const TUTORIALS: readonly string[] = Object.keys(PLANS);

export function packetsFor(name: string): Packet[] {
  const packets = new Packets(new SeededRandom(TUTORIALS.indexOf(name) + 1));
  return Array.from({ length: COUNT }, () => {
    const [port, text] = PLANS[name]!(packets);
    return { port, bytes: Uint8Array.from(Buffer.from(text, 'hex')) };
  });
}
