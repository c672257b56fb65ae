import { Command } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  controllerOption,
  lossShare,
  portAssignment,
  probability,
  switchPortAssignment,
  workerPort,
} from '../../cli/options.js';

describe('option values', () => {
  it.each([
    ['0', 0],
    ['0.1', 0.1],
    ['10%', 0.1],
    ['10', 0.1],
    ['0.5%', 0.005],
    ['1', 0.01],
    ['99', 0.99],
  ])('a loss of %s is %d', (text, share) => {
    expect(lossShare(text)).toBeCloseTo(share, 12);
  });

  it.each(['', '-1', '100', '100%', 'x', '10 %x'])('"%s" is no loss', (text) => {
    expect(() => lossShare(text)).toThrow(/0\.1, or a percentage below 100/);
  });

  it.each(['', '1', '-0.1', 'x'])('"%s" is no probability', (text) => {
    expect(() => probability(text)).toThrow(/a number from 0 up to, but not including, 1/);
  });

  it('ports are collected, and a bad one says what is right', () => {
    expect([...portAssignment('2=127.0.0.1:5', portAssignment('1=127.0.0.1:4'))]).toEqual([
      [1, '127.0.0.1:4'],
      [2, '127.0.0.1:5'],
    ]);
    expect(() => portAssignment('0=127.0.0.1:4')).toThrow(/switch port from 1 to 509/);
    expect([...workerPort('132', workerPort('1=127.0.0.1:4'))]).toEqual([
      [1, '127.0.0.1:4'],
      [132, null],
    ]);
    expect(() => workerPort('1=veth1')).toThrow(/"veth1" is not host:port/);
  });

  it.each([
    ['of a query', () => portAssignment('1=127.0.0.1:5', portAssignment('1=127.0.0.1:4'))],
    ['of a switch', () => switchPortAssignment('1=veth2', switchPortAssignment('1=veth1'))],
    ['for workers', () => workerPort('1=127.0.0.1:5', workerPort('1=127.0.0.1:4'))],
    ['for workers, in two forms', () => workerPort('1', workerPort('1=127.0.0.1:4'))],
  ])('a port that is given twice is refused: %s', (_, parse) => {
    expect(parse).toThrow(/port 1 is given twice/);
  });
});

describe('FPISA_CONTROLLER', () => {
  it.each([
    ['10.0.0.1:9600', '10.0.0.1:9600'],
    // As a script leaves it that has no controller to name.
    ['', '127.0.0.1:9600'],
  ])('"%s"', (value, controller) => {
    vi.stubEnv('FPISA_CONTROLLER', value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const command = new Command().addOption(controllerOption()).exitOverride();
    expect(command.parse([], { from: 'user' }).opts()).toEqual({ controller });
  });
});
