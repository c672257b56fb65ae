/** Last step of `npm run build`: compiles the programs that `fpisa demo` and `fpisa controller` choose by default. */
import { join } from 'node:path';
import { precompile, PRECOMPILED_FOLDER } from '../emulator/index.js';
import { shippedFile } from '../net/package-files.js';

const VALUES = [64, 256, 2048];

await precompile(
  VALUES.map((values) => shippedFile(`p4/build/fpisa-n${values}.json`)),
  join(shippedFile('package.json'), '..', PRECOMPILED_FOLDER),
);
