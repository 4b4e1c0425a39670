// Module hooks (Node.js manual, "Customization Hooks"); they run on a thread of their own.
const entries = new Map<string, string>();

type Resolved = { url: string; shortCircuit?: boolean };
type Next = (specifier: string, context: unknown) => Resolved | Promise<Resolved>;

export function initialize({ name, entry }: { name: string; entry: string }): void {
  entries.set(name, entry);
}

export function resolve(specifier: string, context: unknown, next: Next): ReturnType<Next> {
  const url = entries.get(specifier);
  return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
}
