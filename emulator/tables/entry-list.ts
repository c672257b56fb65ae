import type { StoredEntry } from './entry.js';

/** A snapshot costs a word for each page, and the first change of a page after it copies the page. */
const PAGE_ENTRIES = 256;

type Page = (StoredEntry | undefined)[];

/** The entries of a table as they were at one time, in the order of their insertion. */
export class ListSnapshot {
  constructor(private readonly pages: readonly Page[]) {}

  get parts(): number {
    return this.pages.length;
  }

  /** At most {@link PAGE_ENTRIES}. */
  part(number: number): StoredEntry[] {
    return this.pages[number]!.filter((entry) => entry !== undefined);
  }
}

/** The entries of a table in the order of their insertion. Snapshots of any size are taken at once, and stay as they are. */
export class EntryList {
  private pages: Page[] = [];
  /** By page: whether a snapshot has it, so that it must not change any more. */
  private shared: boolean[] = [];
  /** Snapshots so far. */
  private generation = 0;
  /** Slots in use or emptied. */
  private end = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(entry: StoredEntry): void {
    if (this.end % PAGE_ENTRIES === 0) {
      this.pages.push([]);
      this.shared.push(false);
    }
    entry.position = this.end++;
    entry.generation = this.generation;
    this.count++;
    this.own(entry).push(entry);
  }

  remove(entry: StoredEntry): void {
    this.own(entry)[entry.position % PAGE_ENTRIES] = undefined;
    this.count--;
    // As many slots may be empty as are in use, so that the cost of removing one stays constant on average.
    if (this.end > 2 * this.count + PAGE_ENTRIES) this.compact();
  }

  /** Whether a snapshot may have this entry, so that another object must take its place before it changes. */
  isShared(entry: StoredEntry): boolean {
    return entry.generation < this.generation;
  }

  /** @param entry has the position of the one whose place it takes */
  replace(entry: StoredEntry): void {
    entry.generation = this.generation;
    this.own(entry)[entry.position % PAGE_ENTRIES] = entry;
  }

  snapshot(): ListSnapshot {
    this.shared.fill(true);
    this.generation++;
    return new ListSnapshot([...this.pages]);
  }

  *[Symbol.iterator](): Generator<StoredEntry> {
    for (const page of this.pages) for (const entry of page) if (entry !== undefined) yield entry;
  }

  /** The page of an entry, which no snapshot has. */
  private own(entry: StoredEntry): Page {
    const number = pageNumber(entry);
    if (this.shared[number]) {
      this.pages[number] = [...this.pages[number]!];
      this.shared[number] = false;
    }
    return this.pages[number]!;
  }

  private compact(): void {
    const entries = [...this];
    this.pages = [];
    this.shared = [];
    this.end = 0;
    this.count = 0;
    for (const entry of entries) {
      const { generation } = entry;
      this.add(entry);
      entry.generation = generation;
    }
  }
}

function pageNumber(entry: StoredEntry): number {
  return Math.floor(entry.position / PAGE_ENTRIES);
}
