/** The line that `fpisa switch --json` prints once the switch can be used. */
export interface SwitchReady {
  readonly ready: true;
  readonly p4runtime: string;
  readonly deviceId: number;
  /** By number: `host:udpport`, or the name of an interface. */
  readonly ports: Readonly<Record<string, string>>;
}
