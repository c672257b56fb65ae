/** Whether a configuration has keys that nothing reads: misspelt, an optional one would be left out without a word. */
import type { Route, SwitchConfig } from '../../controlplane/controller/state.js';
import { FileError } from '../errors.js';

/** Complete by its type: a field that is added has to be added here. */
type Keys<T> = Readonly<Record<keyof T, true>>;

const SWITCH: Keys<Required<SwitchConfig>> = {
  name: true,
  address: true,
  deviceId: true,
  serviceIp: true,
  serviceMac: true,
  serviceUdpPort: true,
  ports: true,
  valuesPerPacket: true,
  build: true,
  target: true,
  buildDir: true,
  parent: true,
  routes: true,
};
const PARENT: Keys<NonNullable<SwitchConfig['parent']>> = { switch: true, port: true, parentPort: true };
const ROUTE: Keys<Route> = { prefix: true, port: true, mac: true };

/** @throws FileError that lists the keys */
export function checkKeys(path: string, configuration: object, switches: readonly object[]): void {
  check(path, configuration, { switches: true }, '');
  switches.forEach((config, index) => {
    const place = `switches[${index}]`;
    check(path, config, SWITCH, ` in ${place}`);
    // Values of another form are refused by the controller, which knows what would be right.
    const { parent, routes } = config as { parent?: unknown; routes?: unknown };
    check(path, parent, PARENT, ` in ${place}.parent`);
    if (Array.isArray(routes))
      routes.forEach((route, number) => check(path, route, ROUTE, ` in ${place}.routes[${number}]`));
  });
}

function check(path: string, value: unknown, known: Readonly<Record<string, true>>, place: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(known, key));
  if (unknown !== undefined)
    throw new FileError(
      `configuration ${path} has an unknown key "${unknown}"${place} (keys: ${Object.keys(known).join(', ')})`,
    );
}
