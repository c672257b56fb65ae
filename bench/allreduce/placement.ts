/** Where the processes of a measurement run: all of them on the loopback, or each worker behind a link of its own. */

export interface Placement {
  /** Address at which switch, controller and launcher are reached. */
  readonly middle: string;
  readonly middleInterface: string;
  /** Interface of each worker. */
  readonly interface: string;
  /** What OpenMPI calls the workers' network. */
  readonly network: string;
  /** Address of a worker. */
  address(rank: number): string;
  /** Words before the command line of a worker's process; they replace themselves by it. */
  prefix(rank: number): readonly string[];
}

export const LOOPBACK: Placement = {
  middle: '127.0.0.1',
  middleInterface: 'lo',
  interface: 'lo',
  network: 'lo',
  address: () => '127.0.0.1',
  prefix: () => [],
};
