/** Lets those who arrive go on when all have arrived. */
export class Barrier {
  #arrived = 0;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  arrive(expected: number): Promise<void> {
    if (++this.#arrived === expected) this.#open();
    return this.#opened;
  }
}
