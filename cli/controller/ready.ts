/** The line that `fpisa controller --json` prints once the controller can be called. */
export interface ControllerReady {
  readonly ready: true;
  /** `host:port` of its gRPC server. */
  readonly controller: string;
  /** Where its state is kept: a path, or `memory`. */
  readonly store: string;
}
