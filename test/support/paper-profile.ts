/** The profile `fpisa-paper`, the same for any number of workers, as the controller announces and stores it. */
export const PAPER_PROFILE = {
  name: 'fpisa-paper',
  format: 'fp32',
  mode: 'full',
  guard: 0,
  alignment: 'floor',
  rounding: 'truncate',
  leftShiftLimit: 0,
} as const;
