// Module hooks (Node.js manual, "Customization Hooks"); they run on a thread of their own.
let entry: string;

type Resolved = { url: string; shortCircuit?: boolean };
type Next = (specifier: string, context: unknown) => Resolved | Promise<Resolved>;

export function initialize(data: { entry: string }): void {
  entry = data.entry;
}

export function resolve(specifier: string, context: unknown, next: Next): ReturnType<Next> {
  return specifier === 'pg' ? { url: entry, shortCircuit: true } : next(specifier, context);
}
