let holders = 0;
let timer: NodeJS.Timeout | undefined;

/** Keeps the process alive as an open socket does, until {@link letGo}. */
export function hold(): void {
  holders++;
  if (timer === undefined) timer = setInterval(() => {}, 0x7fff_ffff);
  else if (holders === 1) timer.ref();
}

/** Undoes one {@link hold}. */
export function letGo(): void {
  holders--;
  if (holders === 0) timer?.unref();
}
