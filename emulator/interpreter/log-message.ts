/**
 * The text of log_msg: each `{...}` is replaced by the next value in decimal; `\{` and `\}` are plain braces.
 * Placeholders without a value stay as they are.
 */
export function formatLog(format: string, values: readonly bigint[]): string {
  let next = 0;
  return format.replace(/\\([{}])|\{[^}]*\}/g, (whole, brace: string | undefined) => {
    if (brace !== undefined) return brace;
    return next < values.length ? String(values[next++]) : whole;
  });
}
