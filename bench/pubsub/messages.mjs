const CHANNELS = 1_000;
const BATCH = 5_000;
const PADDING = 'x'.repeat(80);

/** The channels, one for each subscriber. */
export function channelNames() {
  return Array.from({ length: CHANNELS }, (_, index) => `bench:channel:${index}`);
}

/** So many messages of some 100 bytes on all channels in turn, in batches that a publisher waits for. */
export function* batches(count) {
  const names = channelNames();
  for (let first = 0; first < count; first += BATCH) {
    const length = Math.min(BATCH, count - first);
    yield Array.from({ length }, (_, offset) => {
      const number = first + offset;
      return [names[number % CHANNELS], `{"number":${number},"padding":"${PADDING}"}`];
    });
  }
}
