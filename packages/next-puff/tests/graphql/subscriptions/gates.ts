/** Points that code under test waits at until a test lets it through, and what has happened. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** Waits until the gate is open. */
  async pass(name: string): Promise<void> {
    const { arrive, opened } = this.#gate(name);
    arrive();
    await opened;
  }

  /** Opens a gate, for ever. */
  open(name: string): void {
    this.#gate(name).open();
  }

  /** Waits until somebody waits at a gate. */
  reached(name: string): Promise<void> {
    return this.#gate(name).arrived;
  }

  /** Says that something has happened. */
  note(event: string): void {
    this.#gate(event).arrive();
  }

  /** Waits until something has happened. */
  noted(event: string): Promise<void> {
    return this.#gate(event).arrived;
  }

  #gate(name: string): Gate {
    let gate = this.#gates.get(name);
    if (gate === undefined) {
      gate = new Gate();
      this.#gates.set(name, gate);
    }
    return gate;
  }
}

class Gate {
  readonly arrived: Promise<void>;
  readonly opened: Promise<void>;
  arrive!: () => void;
  open!: () => void;

  constructor() {
    this.arrived = new Promise((resolve) => {
      this.arrive = resolve;
    });
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
