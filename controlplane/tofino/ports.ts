/**
 * Ports as a Tofino numbers them: nine bits, of which the upper two are the pipe and the lower seven the port
 * within it. A pipe has front-panel ports and internal ones: to the CPU, and back into its own ingress
 * (recirculation). Sources: Stratum's translator (recirculation at 68 of each pipe), bf_switchd and lld_sku.c of
 * open-p4studio.
 */

export const CHIPS = ['tofino', 'tofino2'] as const;
export type Chip = (typeof CHIPS)[number];

/** Of each pipe, first and last. */
const FRONT_PANEL: Record<Chip, readonly [number, number]> = {
  // 64 to 67 are for a CPU, 68 to 71 recirculate.
  tofino: [0, 63],
  // 0 to 7 are for a CPU, or recirculate.
  tofino2: [8, 71],
};
/** The recirculation port of each pipe that the program uses (p4/tna/target.p4). */
const RECIRCULATION: Record<Chip, number> = { tofino: 68, tofino2: 6 };
export const PIPES = 4;
const PIPE_STEP = 128;

/** Whether workers and other switches can use this port. Port 0 cannot be used: to a worker it means "any port". */
export function isFrontPanelPort(chip: Chip, port: number): boolean {
  const [first, last] = FRONT_PANEL[chip];
  const local = port % PIPE_STEP;
  return Number.isInteger(port) && port >= 1 && port < PIPES * PIPE_STEP && local >= first && local <= last;
}

/** Each pipe has its own registers. */
export function pipeOf(port: number): number {
  return Math.floor(port / PIPE_STEP);
}

/** The port whose packets enter the pipe again. */
export function recirculationPort(chip: Chip, pipe: number): number {
  return pipe * PIPE_STEP + RECIRCULATION[chip];
}

/** For messages: the front-panel ports of all pipes. */
export function frontPanelRanges(chip: Chip): string[] {
  const [first, last] = FRONT_PANEL[chip];
  return Array.from(
    { length: PIPES },
    (_, pipe) => `${Math.max(1, pipe * PIPE_STEP + first)} to ${pipe * PIPE_STEP + last}`,
  );
}
