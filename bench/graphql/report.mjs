// Prints what was measured as tables.

/** How much of the machine others may have used in a measurement that counts, in cores. */
export const FOREIGN_CORES = 0.25;

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant digits. */
function short(value) {
  if (value >= 100) return value.toFixed(0);
  return value.toPrecision(value < 0.01 ? 1 : value < 0.1 ? 2 : 3);
}

/**
 * Prints medians over the rounds.
 *
 * @param measurements objects of `measure.mjs`
 * @param base the contestant that ratios refer to
 * @param store what works for the servers
 */
export function report(measurements, names, operations, base, store = 'PostgreSQL') {
  const cell = (name, operation) => {
    const all = measurements.filter((one) => one.name === name && one.operation === operation);
    const quiet = all.filter((one) => one.foreignCores <= FOREIGN_CORES);
    return quiet.length > 0 ? quiet : all;
  };
  const middle = (name, operation, field) => median(cell(name, operation).map((one) => one[field]));
  const spread = (name, operation) => {
    const values = cell(name, operation).map((one) => one.requestsPerSecond);
    return (Math.max(...values) - Math.min(...values)) / median(values);
  };
  const table = (title, text) => {
    console.log(`\n${title}\n\n| | ${operations.join(' | ')} |`);
    console.log(`|---|${operations.map(() => '---:|').join('')}`);
    for (const name of names) {
      const cells = operations.map((operation) => text(name, operation));
      console.log(`| ${name} | ${cells.join(' | ')} |`);
    }
  };

  table(`requests/s (ratio to ${base}; spread)`, (name, operation) => {
    const speed = middle(name, operation, 'requestsPerSecond');
    const ratio = speed / middle(base, operation, 'requestsPerSecond');
    const spreadPercent = (spread(name, operation) * 100).toFixed(0);
    return `${short(speed)} (${short(ratio)}x; ${spreadPercent} %)`;
  });
  table('latency in ms, p50 / p99', (name, operation) => {
    return `${short(middle(name, operation, 'p50'))} / ${short(middle(name, operation, 'p99'))}`;
  });
  table(`CPU ms per request, server + ${store}`, (name, operation) => {
    const server = short(middle(name, operation, 'serverCpuMs'));
    return `${server} + ${short(middle(name, operation, 'storeCpuMs'))}`;
  });

  console.log('\npeak memory of the server in MB (VmHWM)\n');
  for (const name of names) {
    const peaks = measurements.filter((one) => one.name === name).map((one) => one.peakMemoryMb);
    console.log(`- ${name}: ${Math.max(...peaks).toFixed(0)}`);
  }
  const errors = measurements.filter((one) => one.errors > 0).length;
  const disturbed = measurements.filter((one) => one.foreignCores > FOREIGN_CORES).length;
  console.log(
    `\n${measurements.length} measurements; ${errors} with failed requests; in ${disturbed} of them others used more than ${FOREIGN_CORES} cores`,
  );
}
