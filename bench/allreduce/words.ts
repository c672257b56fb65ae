/** Numbers as the report and the page write them. */

export function sizeText(bytes: number): string {
  if (bytes >= 1 << 20) return `${+(bytes / (1 << 20)).toPrecision(3)} MiB`;
  return bytes >= 1024 ? `${+(bytes / 1024).toPrecision(3)} KiB` : `${bytes} B`;
}

export function milliseconds(seconds: number): string {
  return `${Number((1000 * seconds).toPrecision(3))} ms`;
}

export function mebibytes(bytesPerSecond: number): string {
  return String(Number((bytesPerSecond / 2 ** 20).toPrecision(3)));
}

export function megabits(rate: number): string {
  return rate >= 1000 ? `${rate / 1000} Gb/s` : `${rate} Mb/s`;
}

export function times(ratio: number): string {
  return `${roughly(ratio)} x`;
}

/** To two digits. */
export function roughly(value: number): string {
  return String(Number(value.toPrecision(2)));
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
