/** The line that `fpisa switch --json` prints once the switch can be used. */
export interface SwitchReady {
  readonly ready: true;
  readonly p4runtime: string;
  readonly deviceId: number;
  /** By number: `host:udpport`, or the name of an interface. */
  readonly ports: Readonly<Record<string, string>>;
  /** By number, of network interfaces: bytes of the longest packet. Absent where there are none. */
  readonly mtu?: Readonly<Record<string, number>>;
}
