// How often something can be done in a second, one after the other in one process.
import {readFileSync} from 'node:fs';

const SECONDS = Number(process.argv[2] ?? 3);

/** Does `work` for the seconds of the command line, after a warm-up of a quarter of that; whole runs a second. */
async function perSecond(work) {
  await during(SECONDS / 4, work);
  return during(SECONDS, work);
}

async function during(seconds, work) {
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < seconds * 1000) {
    await work();
    done += 1;
  }
  return done / ((performance.now() - start) / 1000);
}

/** Measures `work` and prints one line of JSON for `bench/peers/__main__.py`. */
export async function tell(library, what, work) {
  const manifest = new URL(`./node_modules/${library}/package.json`, import.meta.url);
  const {version} = JSON.parse(readFileSync(manifest, 'utf8'));
  console.log(JSON.stringify({library, version, work: what, per_second: await perSecond(work)}));
}

/** Ends the run: a figure of something that did not work is none. */
export function require(holds, what) {
  if (!holds) {
    throw new Error(what);
  }
}
