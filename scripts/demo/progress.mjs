const HEARTBEAT_MS = 30_000;

/** Says what is being done and how long it took: in place on a terminal, line by line elsewhere. */
export class Progress {
  #isTerminal = process.stdout.isTTY === true;
  #timer;

  /** Shows a step while `work` runs; a string that it answers is shown beside it. */
  async step(title, work, { isQuiet = false } = {}) {
    const startedAt = performance.now();
    const line = (mark, detail) => {
      const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`.padStart(8);
      return `${mark} ${title.padEnd(44)}${seconds}${detail ? `   ${detail}` : ''}`;
    };
    if (this.#isTerminal) {
      this.#replace(line('·'));
      this.#timer = setInterval(() => this.#replace(line('·')), 500);
    } else if (!isQuiet) {
      this.#timer = setInterval(() => console.log(line('·', 'still at it')), HEARTBEAT_MS);
    }
    let mark = '✗';
    let detail;
    try {
      const result = await work();
      mark = '✓';
      if (typeof result === 'string') detail = result;
      return result;
    } finally {
      clearInterval(this.#timer);
      if (this.#isTerminal) this.#replace('');
      if (!isQuiet || mark === '✗') console.log(line(mark, detail));
    }
  }

  /** Ends the line in progress with a message of its own. */
  interrupt(message) {
    clearInterval(this.#timer);
    if (this.#isTerminal) this.#replace('');
    console.log(message);
  }

  #replace(text) {
    process.stdout.write(`\r\x1b[2K${text}`);
  }
}
