import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUdpPort, parseHostPort } from '../../net/host-port.js';
import { ipv4ToBytes, ipv4ToNumber } from '../../net/ipv4.js';
import { macOfIpv4, macText, macToBigint, macToBytes } from '../../net/mac.js';

describe('an IPv4 address', () => {
  it.each([
    ['0.0.0.0', 0],
    ['10.0.0.1', 0x0a000001],
    ['255.255.255.255', 0xffffffff],
    ['192.0.2.254', 0xc00002fe],
    ['1.20.100.200', 0x011464c8],
  ])('is dotted decimal: %s', (text, number) => {
    expect(ipv4ToNumber(text)).toBe(number);
    expect([...ipv4ToBytes(text)!]).toEqual(text.split('.').map(Number));
  });

  // What inet_aton, or a parser that is content with numbers between dots, takes for addresses.
  it.each([
    ['a leading zero', '010.0.0.1'],
    ['leading zeros', '10.000.000.001'],
    ['two zeros', '10.0.0.00'],
    ['an octet above 255', '10.0.0.256'],
    ['four digits', '10.0.0.1000'],
    ['three octets', '10.0.1'],
    ['two octets', '10.1'],
    ['one number', '167772161'],
    ['five octets', '10.0.0.0.1'],
    ['an empty octet', '10..0.1'],
    ['a dot at the end', '10.0.0.1.'],
    ['a dot at the beginning', '.10.0.0.1'],
    ['hexadecimal', '0x0a.0.0.1'],
    ['a sign', '+10.0.0.1'],
    ['a negative octet', '10.0.0.-1'],
    ['an exponent', '1e1.0.0.1'],
    ['a space before', ' 10.0.0.1'],
    ['a space after', '10.0.0.1 '],
    ['a line break', '10.0.0.1\n'],
    ['a prefix length', '10.0.0.1/8'],
    ['a port', '10.0.0.1:80'],
    ['digits of another script', '1\u0660.0.0.1'],
    ['letters', 'a.b.c.d'],
    ['a name', 'localhost'],
    ['IPv6', '::ffff:10.0.0.1'],
    ['nothing', ''],
  ])('has no other form: %s', (_what, text) => {
    expect(ipv4ToBytes(text)).toBeUndefined();
    expect(ipv4ToNumber(text)).toBeUndefined();
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(ipv4ToBytes(bytes.join('.'))).toEqual(bytes);
        expect(ipv4ToNumber(bytes.join('.'))).toBe(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
      }),
    );
  });
});

describe('a MAC address', () => {
  it.each([
    ['pairs with colons, in either case', '02:00:0a:00:00:Fe'],
    ['pairs with hyphens', '02-00-0A-00-00-fe'],
    ['single digits', '2:0:a:0:00:fe'],
  ])('is six bytes in hexadecimal: %s', (_what, text) => {
    expect(macToBigint(text)).toBe(0x02000a0000fen);
    expect(macToBytes(text)).toEqual(Uint8Array.of(2, 0, 10, 0, 0, 0xfe));
    expect(macText(macToBytes(text)!)).toBe('02:00:0a:00:00:fe');
  });

  it.each([
    ['hyphens among colons', '02:00:0a:00:00-fe'],
    ['dots, as Cisco writes it', '0200.0a00.00fe'],
    ['no separators', '02000a0000fe'],
    ['three digits', '002:00:0a:00:00:fe'],
    ['five pairs', '02:00:0a:00:fe'],
    ['seven pairs', '02:00:0a:00:00:fe:01'],
    ['an empty pair', '02:00::00:00:fe'],
    ['a colon at the end', '02:00:0a:00:00:fe:'],
    ['another letter', '02:00:0a:00:00:fg'],
    ['a prefix', '0x02:00:0a:00:00:fe'],
    ['a space', ' 02:00:0a:00:00:fe'],
    ['a line break', '02:00:0a:00:00:fe\n'],
    ['nothing', ''],
  ])('has no other form: %s', (_what, text) => {
    expect(macToBytes(text)).toBeUndefined();
    expect(macToBigint(text)).toBeUndefined();
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(macToBytes(macText(bytes))).toEqual(bytes);
        expect(macToBigint(macText(bytes))).toBe(BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
      }),
    );
  });

  it('can follow from an IPv4 address', () => {
    expect(macText(macOfIpv4(Uint8Array.of(10, 0, 0, 254)))).toBe('02:00:0a:00:00:fe');
  });
});

describe('host:port', () => {
  it.each([
    ['127.0.0.1:9600', '127.0.0.1', 9600],
    ['localhost:0', 'localhost', 0],
    ['switch-1.example:65535', 'switch-1.example', 65_535],
    ['[::1]:9600', '[::1]', 9600],
    ['dns:///controller:9600', 'dns:///controller', 9600],
    ['ipv6:[::1]:9600', 'ipv6:[::1]', 9600],
  ])('%s', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ host, port });
  });

  it.each([
    ['no port', '127.0.0.1'],
    ['an empty port', '127.0.0.1:'],
    ['no host', ':9600'],
    ['a port above 65535', '127.0.0.1:65536'],
    ['a leading zero', '127.0.0.1:09600'],
    ['a long row of zeros', '127.0.0.1:0000000001'],
    ['hexadecimal', '127.0.0.1:0x1388'],
    ['an exponent', '127.0.0.1:5e3'],
    ['a sign', '127.0.0.1:+5000'],
    ['a fraction', '127.0.0.1:5000.5'],
    ['a service name', '127.0.0.1:http'],
    ['a space before the port', '127.0.0.1: 5000'],
    ['a space before the host', ' 127.0.0.1:5000'],
    ['a line break', '127.0.0.1:5000\n'],
    ['a path', '127.0.0.1:5000/'],
    ['a scheme of the web', 'http://127.0.0.1:5000'],
    ['an IPv6 address without a port', '::1'],
    ['an IPv6 address without brackets', '::1:9600'],
    ['an IPv6 address in brackets, without a port', '[::1]'],
    ['nothing', ''],
  ])('has no other form: %s', (_what, text) => {
    expect(parseHostPort(text)).toBeUndefined();
  });

  it.each([
    [1, true],
    [65_535, true],
    [0, false],
    [65_536, false],
    [-1, false],
    [1.5, false],
    [Number.NaN, false],
  ])('packets can be sent to UDP port %d: %s', (port, can) => {
    expect(isUdpPort(port)).toBe(can);
  });
});
