/** Files on a worker's own machine, used instead of its share of the master's. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { QueryDataError } from './errors.js';
import { filesNamed, formatOf, parseDataArgument, type TableShare } from './tables.js';

/**
 * @param data patterns, or names and patterns, as in `fpisa query --data`; those of one table are combined
 * @throws QueryDataError if the query has no such table, no file matches, or a file is of another format
 */
export async function withLocalFiles(
  connection: DuckDBConnection,
  shares: readonly TableShare[],
  data: readonly string[],
): Promise<TableShare[]> {
  const paths = new Map<TableShare, Set<string>>();
  for (const argument of data) {
    const { name, pattern } = parseDataArgument(argument);
    const share = shares.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (share === undefined)
      throw new QueryDataError(
        `--data names the table ${name}, but the query has ${shares.map((each) => each.name).join(', ')}`,
      );
    const found = await filesNamed(connection, pattern, `this worker's part of table ${name}`);
    const other = found.find((path) => formatOf(path) !== share.format);
    if (other !== undefined)
      throw new QueryDataError(
        `table ${share.name} consists of ${share.format} files in this query, but ${other} is not one`,
      );
    paths.set(share, new Set([...(paths.get(share) ?? []), ...found]));
  }
  return shares.map((share) => {
    const own = paths.get(share);
    return own === undefined ? share : { ...share, parts: [...own].map((path) => ({ path, part: 0, of: 1 })) };
  });
}
