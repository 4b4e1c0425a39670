/** Runs with other environment variables, without those that are undefined, and puts back what was there. */
export async function withEnvironment(
  change: Record<string, string | undefined>,
  run: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(change).map((name) => [name, process.env[name]] as const);
  set(Object.entries(change));
  try {
    await run();
  } finally {
    set(before);
  }
}

function set(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
